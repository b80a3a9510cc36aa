// The device's own position, in WGS-84 as the browser gives it.
const OPTIONS = { enableHighAccuracy: true, timeout: 20_000, maximumAge: 0 };

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-locate]");
  if (!button) return;
  const box = button.closest("[data-place]");
  const input = box.querySelector("input");
  const said = box.parentElement.querySelector("[data-said]");
  said.textContent = box.dataset.asking;
  said.classList.remove("is-bad");
  button.disabled = true;
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      input.value = `${coords.latitude.toFixed(6)},${coords.longitude.toFixed(6)} ±${Math.min(100_000, Math.ceil(coords.accuracy))} m`;
      said.textContent = "";
      button.disabled = false;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    },
    () => {
      said.textContent = box.dataset.failed;
      said.classList.add("is-bad");
      button.disabled = false;
    },
    OPTIONS,
  );
});

const prepare = (root) => {
  if (!navigator.geolocation) return;
  root.querySelectorAll("[data-locate]").forEach((button) => { button.hidden = false; });
};
document.addEventListener("line-added", (event) => prepare(event.target));
prepare(document);
