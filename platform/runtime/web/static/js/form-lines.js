// Lines: rows added, copied, moved and removed without a round trip, sums kept under their columns.
import { copyRow, moveRow, number as renumber } from "./line-rows.js";

const number = (text) => {
  const plain = text.normalize("NFKC").replace(/[,\s¥$€£]/g, "");
  return /^-?\d+(\.\d+)?$/.test(plain) ? plain : null;
};

// Exact sums: values as scaled BigInt, so that cents never drift.
const sum = (texts) => {
  const found = texts.map(number).filter((text) => text !== null);
  const scale = Math.max(0, ...found.map((text) => (text.split(".")[1] ?? "").length));
  const total = found.reduce((all, text) => {
    const [whole, rest = ""] = text.split(".");
    return all + BigInt(whole + rest.padEnd(scale, "0"));
  }, 0n);
  const digits = (total < 0n ? -total : total).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale).replace(/\B(?=(\d{3})+$)/g, ",");
  return `${total < 0n ? "−" : ""}${whole}${scale ? `.${digits.slice(-scale)}` : ""}`;
};

const refresh = (table) => {
  for (const cell of table.querySelectorAll("[data-total]")) {
    const inputs = table.querySelectorAll(`tbody [data-column="${cell.dataset.total}"] [data-number]`);
    cell.textContent = sum([...inputs].map((input) => input.value));
  }
};

const add = (table, focus) => {
  const body = table.querySelector("tbody");
  const index = Math.max(-1, ...[...body.rows].map((row) => Number(row.dataset.row))) + 1;
  const holder = document.createElement("template");
  holder.innerHTML = table.querySelector("template").innerHTML.replaceAll("__row__", String(index));
  const row = holder.content.firstElementChild;
  body.append(row);
  row.dispatchEvent(new CustomEvent("line-added", { bubbles: true }));
  if (focus) row.querySelector("input:not([type=hidden]), select")?.focus();
  return index;
};

const changed = (table) => table.dispatchEvent(new Event("input", { bubbles: true }));
const filled = (row) => [...row.querySelectorAll("[name]:not([type=hidden]):not(button)")].some((input) => (["checkbox", "radio"].includes(input.type) ? input.checked : input.value !== ""));

// Taken out at once, and brought back by whoever did not mean it.
const takeOut = (table, row, button) => {
  const next = row.nextElementSibling;
  const beside = (next ?? row.previousElementSibling)?.querySelector("input:not([type=hidden]), select");
  const said = table.querySelector("[data-line-said]");
  const undo = document.createElement("button");
  [undo.type, undo.className, undo.textContent] = ["button", "btn btn-quiet btn-small", table.dataset.undo];
  undo.addEventListener("click", () => {
    if (next?.isConnected) next.before(row);
    else table.querySelector("tbody").append(row);
    renumber(table);
    said.replaceChildren();
    row.querySelector("input:not([type=hidden]), select")?.focus();
    changed(table);
  });
  const worth = filled(row);
  row.remove();
  said.replaceChildren(...(worth ? [table.dataset.removed, " ", undo] : []));
  (beside ?? button)?.focus();
  changed(table);
};

const arrange = (table, row, way) => {
  const focused = row.contains(document.activeElement) ? document.activeElement : null;
  if (way === "copy") copyRow(table, row, add(table, false));
  else if (!moveRow(row, way)) return;
  renumber(table);
  const target = way === "copy" ? row.nextElementSibling.querySelector("input:not([type=hidden]), select") : focused;
  target?.focus();
  const at = [...table.querySelectorAll("tbody tr")].indexOf(way === "copy" ? row.nextElementSibling : row) + 1;
  table.querySelector("[data-line-said]").replaceChildren(table.dataset.moved.replace("{at}", at));
  changed(table);
};

export const lines = (form) => {
  for (const table of form.querySelectorAll("[data-lines]")) {
    const button = table.querySelector("[data-add]");
    if (button) {
      button.addEventListener("click", (event) => {
        event.preventDefault();
        add(table, true);
      });
    }
    table.addEventListener("click", (event) => {
      const remove = event.target.closest("[data-remove]");
      if (remove) {
        event.preventDefault();
        takeOut(table, remove.closest("tr"), button);
      }
      const way = event.target.closest("[data-line]");
      if (way) arrange(table, way.closest("tr"), way.dataset.line);
    });
    table.addEventListener("keydown", (event) => {
      if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key) || !table.querySelector("template")) return;
      const row = event.target.closest("tbody tr");
      if (!row) return;
      event.preventDefault();
      event.stopPropagation();
      arrange(table, row, event.key === "ArrowUp" ? "up" : "down");
    }, true);
    table.addEventListener("line-more", () => add(table, false));
    table.addEventListener("input", () => refresh(table));
    table.addEventListener("filled", () => refresh(table));
    refresh(table);
  }
  form.addEventListener("line-needed", (event) => {
    const table = form.querySelector(`[data-lines="${CSS.escape(event.detail.lines)}"]`);
    if (!table || !table.querySelector("template")) return;
    while (!table.querySelector(`tr[data-row="${event.detail.index}"]`) && table.querySelectorAll("tbody tr").length <= event.detail.index) add(table, false);
  });
};
