// Fields of files: uploaded as soon as they are chosen, dropped, shot, drawn or spoken; the form sends their ids.
import { camera } from "./camera.js";
import { say, sized, unfit } from "./file-limits.js";
import { signature } from "./signature.js";
import { reason, sent, wordsOf } from "./uploading.js";
import { voice } from "./voice.js";

const UPLOAD = "/api/v1/files";
const PICTURES = new Set(["image/jpeg", "image/png", "image/webp"]);

const valueOf = (box) => box.querySelector("[data-value]");
const held = (box) => (valueOf(box).value ? JSON.parse(valueOf(box).value) : []);
const row = (box, file) => {
  const item = box.querySelector("[data-item]").content.firstElementChild.cloneNode(true);
  const address = `/files/${file.id}`;
  const part = (name) => item.querySelector(`[data-${name}]`);
  item.dataset.id = file.id;
  const picture = PICTURES.has(file.type);
  const sound = file.type.startsWith("audio/");
  if (picture) part("thumbnail").src = `${address}/thumbnail`;
  part("picture").href = address;
  part("picture").tabIndex = -1;
  part("picture").setAttribute("aria-hidden", "true");
  if (sound) {
    part("audio").src = address;
    part("audio").setAttribute("aria-label", file.name);
  }
  if (!picture) part("picture").remove();
  if (!sound) part("audio").remove();
  if (picture || sound) item.querySelector(":scope > .icon").remove();
  part("title").textContent = file.name;
  part("title").href = address;
  part("size").textContent = sized(file.size);
  const remove = part("remove-file");
  if (box.querySelector(".files-tools")) remove.setAttribute("aria-label", remove.dataset.word.replace("{name}", file.name));
  else remove.remove();
  return item;
};

const draw = (box) => {
  const list = box.querySelector(".files-list");
  list.replaceChildren(...held(box).map((file) => row(box, file)));
};

const put = (box, files) => {
  valueOf(box).value = files.length ? JSON.stringify(files) : "";
  draw(box);
  valueOf(box).dispatchEvent(new Event("input", { bubbles: true }));
};

// The form cannot be saved while something is on its way.
const waiting = (form, more) => {
  if (!form) return;
  const count = Number(form.dataset.onTheWay ?? 0) + more;
  form.dataset.onTheWay = String(count);
  const save = form.querySelector("[data-save]");
  if (save) save.disabled = count > 0;
};

// The list of what is on its way stands above the sentence that is read out.
const wayOf = (box) => {
  const found = box.querySelector(":scope > .uploads");
  if (found) return found;
  const made = document.createElement("ul");
  made.className = "uploads";
  box.querySelector(".files-said").before(made);
  return made;
};

const send = (box, file, source) => {
  const body = new FormData();
  body.append("file", file, file.name);
  body.append("source", source);
  return sent(wayOf(box), file.name, wordsOf(box), UPLOAD, body);
};

// The file as it was kept, or why it was not; nothing at all when somebody stopped it.
const taken = async (box, file, source) => {
  const wrong = unfit(box, file);
  if (wrong) return { wrong };
  const answer = await send(box, file, source);
  if (!answer) return {};
  if (answer.status !== 201) return { wrong: reason(answer) || box.dataset.refused };
  const { id, name, type, size } = JSON.parse(answer.text);
  const { types } = box.dataset;
  if (types && !types.split(",").includes(type)) return { wrong: box.dataset.wrongType.replace("{name}", name) };
  return { kept: { id, name, type, size } };
};

export const upload = async (box, files, source = box.dataset.source) => {
  const most = Number(box.dataset.most);
  if (most > 1 && held(box).length + files.length > most) return say(box, box.dataset.tooMany, true);
  const form = box.closest("form");
  waiting(form, 1);
  say(box, box.dataset.uploading);
  const wrong = [];
  try {
    for (const file of most > 1 ? files : files.slice(0, 1)) {
      const found = await taken(box, file, source);
      if (found.wrong) wrong.push(found.wrong);
      if (found.kept) put(box, most > 1 ? [...held(box), found.kept] : [found.kept]);
    }
  } finally {
    waiting(form, -1);
  }
  return say(box, wrong.join(" "), wrong.length > 0);
};

const prepare = (box) => {
  draw(box);
  box.querySelector("input[type=file]")?.removeAttribute("required");
  const way = { photo: camera, sign: signature, record: voice }[box.dataset.files];
  if (way && box.querySelector(".files-tools")) way(box, upload, say);
};

const boxOf = (event) => event.target.closest?.("[data-files]");

document.addEventListener("change", (event) => {
  const box = boxOf(event);
  if (!box || event.target.type !== "file") return;
  const files = [...event.target.files];
  event.target.value = "";
  if (files.length) upload(box, files);
});
document.addEventListener("click", (event) => {
  const remove = event.target.closest?.("[data-remove-file]");
  if (!remove) return;
  const box = remove.closest("[data-files]");
  const gone = remove.closest("[data-id]").dataset.id;
  put(box, held(box).filter((file) => file.id !== gone));
  box.querySelector("[data-remove-file], input[type=file]")?.focus();
});
document.addEventListener("filled", (event) => {
  const box = boxOf(event);
  if (box && event.target.matches("[data-value]")) draw(box);
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    const box = boxOf(event);
    if (!box || box.dataset.files !== "pick" || !box.querySelector(".files-tools")) return;
    event.preventDefault();
    box.classList.toggle("is-over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) upload(box, [...event.dataTransfer.files]);
  });
}
document.addEventListener("line-added", (event) => event.target.querySelectorAll("[data-files]").forEach(prepare));
document.querySelectorAll("[data-files]").forEach(prepare);
