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

// Rows that are picked: how many, all of this page, none.
const picks = () => [...document.querySelectorAll(".pick")];
const count = () => {
  const said = document.querySelector("[data-picked]");
  if (said) said.textContent = String(picks().filter((box) => box.checked).length);
};
document.addEventListener("change", (event) => {
  if (event.target.matches(".pick")) count();
});
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-pick-all], [data-unpick]")) return;
  const on = event.target.closest("[data-pick-all]") !== null;
  for (const box of picks()) box.checked = on;
  count();
});
count();
for (const form of document.querySelectorAll("[data-combos]")) {
  comboboxes(form);
  form.addEventListener("change", (event) => {
    if (event.target.name === "field") form.requestSubmit(form.querySelector("[name=do]"));
  });
}
