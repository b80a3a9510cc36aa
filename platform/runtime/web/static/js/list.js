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
  if (form.querySelector("[data-rich-text]")) import("./rich-text.js").then(({ richTexts }) => richTexts(form));
  form.addEventListener("change", (event) => {
    if (event.target.name === "field") form.requestSubmit(form.querySelector("[name=do]"));
  });
}

// Keys: arrows go from row to row, `x` picks one, `e` edits it, `?` lists them all.
const rows = () => [...document.querySelectorAll(".list tbody tr[data-id]")];
const current = () => document.activeElement?.closest("tbody tr[data-id]") ?? null;
const go = (row) => row?.querySelector("td.main > a").focus();

const keys = {
  ArrowDown: () => go(current() ? rows()[rows().indexOf(current()) + 1] : rows()[0]),
  ArrowUp: () => go(current() ? rows()[rows().indexOf(current()) - 1] : rows().at(-1)),
  Home: () => go(rows()[0]),
  End: () => go(rows().at(-1)),
  x: () => current()?.querySelector(".pick")?.click(),
  e: () => {
    if (current()) location.href = `${current().querySelector("td.main > a").getAttribute("href")}/edit`;
  },
  "?": () => document.getElementById("list-keys")?.showModal(),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest("input:not(.pick), textarea, select, [contenteditable], dialog, details[open]")) return;
  const single = event.key.length === 1;
  if (single && event.key !== "?" && localStorage.getItem("dacheng.keys") === "off") return;
  const inside = current() !== null || event.target === document.body;
  if (!(event.key in keys) || (!single && !inside)) return;
  if (event.key === "Home" || event.key === "End") {
    if (!current()) return;
  }
  if (rows().length === 0 && event.key !== "?") return;
  event.preventDefault();
  keys[event.key]();
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-keys-on]")) localStorage.setItem("dacheng.keys", event.target.checked ? "on" : "off");
});
for (const box of document.querySelectorAll("[data-keys-on]")) box.checked = localStorage.getItem("dacheng.keys") !== "off";
