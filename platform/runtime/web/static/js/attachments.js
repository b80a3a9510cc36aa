// Attachments: sent as soon as they are chosen, shot, dropped on their card or pasted; the page then shows them.
import { reason, sent, wordsOf } from "./uploading.js";

const card = document.querySelector("[data-attachments]");
const form = card?.querySelector("form.attach");
let busy = false;

const say = (text, bad = false) => {
  const said = card.querySelector(".files-said");
  said.textContent = text;
  said.classList.toggle("is-bad", bad);
};

const way = () => {
  const found = card.querySelector(".uploads");
  if (found) return found;
  const made = document.createElement("ul");
  made.className = "uploads";
  card.querySelector(".files-said").before(made);
  return made;
};

const send = async (files, name) => {
  if (busy || !files.length) return;
  const bytes = files.reduce((all, file) => all + file.size, 0);
  if (bytes > Number(card.dataset.largest)) return say(card.dataset.tooLarge, true);
  busy = true;
  say(card.dataset.uploading);
  const body = new FormData();
  for (const file of files) body.append(name, file, file.name);
  const title = files.length > 1 ? `${files[0].name} +${files.length - 1}` : files[0].name;
  const answer = await sent(way(), title, wordsOf(card), form.action, body);
  busy = false;
  if (!answer) return say("");
  if (answer.status === 204) return location.reload();
  return say(answer.status === 413 ? card.dataset.tooLarge : reason(answer) || card.dataset.refused, true);
};

const take = (input) => {
  send([...input.files], input.name);
  input.value = "";
};

if (form) {
  form.addEventListener("change", (event) => take(event.target));
  [...form.querySelectorAll("input[type=file]")].filter((input) => input.files.length).forEach(take); // chosen before this ran
  for (const kind of ["dragover", "dragleave", "drop"]) {
    card.addEventListener(kind, (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      card.classList.toggle("is-over", kind === "dragover");
      if (kind === "drop") send([...event.dataTransfer.files], "file");
    });
  }
  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    if (!files.length || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    send(files, "file");
  });
}
