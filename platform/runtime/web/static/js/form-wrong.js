// What is still wrong, by name beside the save button: each name leads to its field.
const NAMED = 3;

const link = (box, go) => {
  const made = document.createElement("a");
  made.href = `#f-${box.dataset.field}`;
  const label = box.querySelector("label, legend, .label")?.cloneNode(true);
  for (const mark of label?.querySelectorAll(".required, .aside, .why, .sr") ?? []) mark.remove();
  made.textContent = label?.textContent.trim() || box.dataset.field;
  made.addEventListener("click", (event) => {
    event.preventDefault();
    go(box);
  });
  return made;
};

export const nameWrong = (place, wrong, words, go) => {
  const key = wrong.map((box) => box.dataset.field).join(" ");
  if (place.dataset.shown === key) return;
  place.dataset.shown = key;
  place.hidden = wrong.length === 0;
  const more = wrong.length > NAMED ? [` +${wrong.length - NAMED}`] : [];
  place.replaceChildren(words.replace("{count}", wrong.length), " ", ...wrong.slice(0, NAMED).flatMap((box, at) => (at ? [" · ", link(box, go)] : [link(box, go)])), ...more);
};
