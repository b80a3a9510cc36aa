// Lists: columns in order, filters that follow what is chosen.
import { comboboxes } from "./combobox.js";

// Columns are put in order without a way to the server and back.
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

// A filter's line asks for its operators and its value's control as soon as field or operator change.
document.addEventListener("change", (event) => {
  const line = event.target.closest("[data-filter-tree] [data-refresh]");
  if (!line || !/^[fo]\./.test(event.target.name)) return;
  const form = line.closest("form");
  form.requestSubmit(form.querySelector("[data-step]"));
});

const enrich = (root) => {
  const form = root.querySelector("[data-filter-tree]");
  if (form) comboboxes(form);
};
enrich(document);
document.addEventListener("ajax:after", () => enrich(document));
