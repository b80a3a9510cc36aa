// Files of a form that strangers fill in: they stay in the form's own inputs and go out with it, or not at all.
import { camera } from "./camera.js";
import { say, sized, unfit } from "./file-limits.js";
import { signature } from "./signature.js";
import { voice } from "./voice.js";

const held = new WeakMap();
const inputOf = (box) => box.querySelector("input[type=file]");

const row = (box, file) => {
  const item = box.querySelector("[data-item]").content.firstElementChild.cloneNode(true);
  for (const part of item.querySelectorAll("[data-picture], [data-audio]")) part.remove();
  const title = document.createElement("span");
  title.className = "grow clip";
  title.textContent = file.name;
  item.querySelector("[data-title]").replaceWith(title);
  item.querySelector("[data-size]").textContent = sized(file.size);
  const remove = item.querySelector("[data-remove-file]");
  remove.setAttribute("aria-label", remove.dataset.word.replace("{name}", file.name));
  remove.addEventListener("click", () => {
    put(box, held.get(box).filter((each) => each !== file));
    inputOf(box).focus();
  });
  return item;
};

// The input takes the files; the line beside it says to the form that something is there.
const put = (box, files) => {
  const carried = new DataTransfer();
  files.forEach((file) => carried.items.add(file));
  held.set(box, files);
  inputOf(box).files = carried.files;
  box.querySelector(".files-list").replaceChildren(...files.map((file) => row(box, file)));
  const value = box.querySelector("[data-value]");
  value.value = files.map((file) => file.name).join(", ");
  value.dispatchEvent(new Event("input", { bubbles: true }));
};

const take = (box, files) => {
  const most = Number(box.dataset.most);
  const wrong = files.map((file) => unfit(box, file)).filter(Boolean);
  const fitting = files.filter((file) => !unfit(box, file));
  const all = most > 1 ? [...(held.get(box) ?? []), ...fitting] : fitting.length ? fitting.slice(-1) : held.get(box) ?? [];
  if (all.length > most) wrong.push(box.dataset.tooMany);
  put(box, all.slice(0, most));
  say(box, wrong.join(" "), wrong.length > 0);
};

for (const box of document.querySelectorAll("[data-files]")) {
  held.set(box, []);
  inputOf(box).removeAttribute("required");
  inputOf(box).addEventListener("change", (event) => take(box, [...event.target.files]));
  const way = { photo: camera, sign: signature, record: voice }[box.dataset.files];
  if (way) way(box, take, say);
}
