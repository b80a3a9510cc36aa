// A file is dropped on its place, or chosen by pressing it; without scripts the browser's own control stays.
for (const place of document.querySelectorAll("[data-drop]")) {
  const input = place.querySelector("input[type=file]");
  const zone = place.querySelector(".drop-zone");
  const chosen = place.querySelector("[data-chosen]");
  const hint = document.getElementById(input.getAttribute("aria-describedby"));
  zone.hidden = false;
  input.classList.add("sr");
  if (hint && hint.matches(".hint")) hint.classList.add("sr"); // it stands in the zone
  input.addEventListener("change", () => {
    if (input.files.length) chosen.textContent = input.files[0].name;
  });
  for (const name of ["dragover", "dragleave", "drop"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.toggle("is-over", name === "dragover");
    });
  }
  zone.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}
