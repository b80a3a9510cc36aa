// Attachments: sent as soon as they are chosen, shot, dropped on their card or pasted; the page then shows them.
const card = document.querySelector("[data-attachments]");
const form = card?.querySelector("form.attach");
let busy = false;

const say = (text, bad = false) => {
  const said = card.querySelector(".files-said");
  said.textContent = text;
  said.classList.toggle("is-bad", bad);
};

const send = async (files, name) => {
  if (busy || !files.length) return;
  busy = true;
  say(card.dataset.uploading);
  const body = new FormData();
  for (const file of files) body.append(name, file, file.name);
  try {
    const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" });
    if (answer.type === "opaqueredirect") location.reload();
    else say(answer.status === 413 ? card.dataset.tooLarge : card.dataset.failed, true);
  } catch {
    say(card.dataset.failed, true);
  } finally {
    busy = false;
  }
};

if (form) {
  form.addEventListener("change", (event) => {
    const { name, files } = event.target;
    send([...files], name);
    event.target.value = "";
  });
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
