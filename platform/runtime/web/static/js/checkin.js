// Checking in: the device's own position in WGS-84, and the moment by the server's clock, which the page brought along.
const OPTIONS = { enableHighAccuracy: true, timeout: 20_000, maximumAge: 0 };
const context = document.querySelector("[data-context]");
const served = context ? Date.parse(JSON.parse(context.textContent).now) : NaN;
const ahead = Number.isNaN(served) ? 0 : Date.now() - performance.now() - served; // how far this device's clock is ahead

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-measure]");
  if (!button) return;
  const box = button.closest("[data-check-in]");
  const input = box.querySelector("input");
  const said = box.querySelector("[data-said]");
  said.textContent = box.dataset.asking;
  said.classList.remove("is-bad");
  button.disabled = true;
  navigator.geolocation.getCurrentPosition(
    ({ coords, timestamp }) => {
      const accuracy = Math.min(100_000, Math.ceil(coords.accuracy));
      const at = new Date(Math.min(timestamp, Date.now()) - ahead).toISOString();
      input.value = JSON.stringify({ lat: Number(coords.latitude.toFixed(6)), lng: Number(coords.longitude.toFixed(6)), accuracy, at });
      box.querySelector("[data-held]").textContent = `${coords.latitude.toFixed(5)}, ${coords.longitude.toFixed(5)}`;
      said.textContent = box.dataset.done.replace("{accuracy}", accuracy);
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
  root.querySelectorAll("[data-measure]").forEach((button) => { button.hidden = false; });
};
prepare(document);
