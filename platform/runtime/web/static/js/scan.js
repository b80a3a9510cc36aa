// Codes read by the browser's own detector, from the camera or a picture; a scanner that types needs nothing of this.
import { look } from "./camera.js";

const PAUSE = 150;
const put = (box, text) => {
  const input = box.querySelector("input[name]");
  input.value = text;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.focus();
};

const watch = async (box, detector) => {
  const dialog = box.querySelector("[data-camera]");
  const video = await look(dialog);
  while (video && dialog.open) {
    const [found] = await detector.detect(video).catch(() => []);
    if (found && dialog.open) {
      dialog.close();
      put(box, found.rawValue);
      return;
    }
    await new Promise((go) => { setTimeout(go, PAUSE); });
  }
};

const read = async (box, detector, file) => {
  const said = box.parentElement.querySelector("[data-said]");
  said.textContent = "";
  said.classList.remove("is-bad");
  const [found] = await createImageBitmap(file).then((picture) => detector.detect(picture)).catch(() => []);
  if (found) return put(box, found.rawValue);
  said.textContent = box.dataset.none;
  said.classList.add("is-bad");
  return null;
};

const prepare = (box) => {
  const open = box.querySelector("[data-open]");
  if (!open) return;
  // A scanner ends what it types with Enter: the code is done, not the form.
  box.querySelector("input[name]").addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
  if (!window.BarcodeDetector) return;
  const detector = new window.BarcodeDetector();
  const picture = box.querySelector("[data-picture]");
  open.hidden = !navigator.mediaDevices;
  picture.hidden = false;
  open.addEventListener("click", () => watch(box, detector));
  box.querySelector("[data-close]").addEventListener("click", () => box.querySelector("[data-camera]").close());
  picture.querySelector("input").addEventListener("change", (event) => {
    const [file] = event.target.files;
    event.stopPropagation();
    if (file) read(box, detector, file);
    event.target.value = "";
  });
};

document.addEventListener("line-added", (event) => event.target.querySelectorAll("[data-scan]").forEach(prepare));
document.querySelectorAll("[data-scan]").forEach(prepare);
