// Putting a dashboard together by pointer; buttons do the same for keyboard and touch.
let held;

document.addEventListener("dragstart", (event) => {
  held = event.target.closest?.("[data-compose] > li");
  if (held) event.dataTransfer.effectAllowed = "move";
});
document.addEventListener("dragover", (event) => {
  const over = event.target.closest?.("[data-compose] > li");
  if (!held || !over) return;
  event.preventDefault();
  if (over === held) return;
  const { top, height } = over.getBoundingClientRect();
  if (event.clientY > top + height / 2) over.after(held);
  else over.before(held);
});
document.addEventListener("drop", (event) => { if (held) event.preventDefault(); });
document.addEventListener("dragend", () => {
  if (!held) return;
  const list = held.parentElement;
  held = undefined;
  const form = document.querySelector("[data-order]");
  form.querySelector("[name=order]").value = [...list.children].map((one) => one.dataset.key).join(",");
  form.requestSubmit();
});
