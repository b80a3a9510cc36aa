// Lists: columns are put in order without a way to the server and back.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-columns] [data-move]");
  if (!button) return;
  event.preventDefault();
  const row = button.closest("li");
  const other = button.dataset.move === "up" ? row.previousElementSibling : row.nextElementSibling;
  if (!other) return;
  if (button.dataset.move === "up") other.before(row);
  else other.after(row);
  for (const each of row.parentElement.children) {
    each.querySelector("[data-move=up]").disabled = !each.previousElementSibling;
    each.querySelector("[data-move=down]").disabled = !each.nextElementSibling;
  }
  (button.disabled ? row.querySelector("[data-move]:not(:disabled)") : button).focus();
});
