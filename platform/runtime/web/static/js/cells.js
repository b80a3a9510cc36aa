// A cell of a list changed in place: double click, Enter or F2 fetch the field's control; Escape leaves.
import { comboboxes } from "./combobox.js";

const results = () => document.getElementById("list-results");
const cellOf = (target) => target.closest?.(".list tbody tr[data-id] > td") ?? null;
const head = (cell) => cell.closest("table").tHead.rows[0].cells[cell.cellIndex];
const fieldOf = (cell) => head(cell)?.dataset.edits ?? "";
const rowOf = (id) => document.querySelector(`.list tbody tr[data-id="${CSS.escape(id)}"]`);
const address = (row) => `${results().dataset.cells}/${row.dataset.id}/cell`;

let open = null; // { cell, form }

const focus = (cell) => {
  const link = cell.matches(".main") ? cell.querySelector("a") : null;
  if (!link) cell.tabIndex = -1;
  (link ?? cell).focus();
};

const leave = (back = true) => {
  if (!open) return;
  const { cell, form } = open;
  open = null;
  form.remove();
  if (back) focus(cell);
};

// The form floats over its cell, so that no edge of the table cuts it off.
const place = () => {
  if (!open) return;
  const { cell, form } = open;
  const at = cell.getBoundingClientRect();
  form.style.setProperty("width", `${at.width}px`);
  const { width, height } = form.getBoundingClientRect();
  form.style.setProperty("left", `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`);
  form.style.setProperty("top", `${Math.max(8, Math.min(at.top, innerHeight - height - 8))}px`);
};
addEventListener("resize", place);
addEventListener("scroll", place, true);

const refuse = (form, text) => {
  const reason = form.querySelector(".cell-reason");
  reason.textContent = text;
  reason.hidden = false;
  place();
};

async function edit(cell) {
  const field = fieldOf(cell);
  if (!field || open?.cell === cell) return;
  leave(false);
  let answer;
  try {
    answer = await fetch(`${address(cell.parentElement)}?field=${encodeURIComponent(field)}`);
  } catch {
    return;
  }
  if (!answer.ok || !cell.isConnected || open) return;
  const made = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".cell-form");
  if (!made) return;
  cell.append(made);
  open = { cell, form: made };
  comboboxes(made);
  place();
  const input = made.querySelector("input:checked, input:not([type=hidden]), textarea, select");
  input?.focus();
  if (input?.matches("input:not([type=radio], [type=checkbox])")) input.select?.();
}

const tell = (text, undo) => {
  document.querySelector(".cell-notice")?.remove();
  const notice = document.createElement("div");
  notice.className = "notice tone-good cell-notice";
  notice.setAttribute("role", "status");
  const said = document.createElement("span");
  said.textContent = text;
  notice.append(said);
  if (undo) {
    const form = document.createElement("form");
    form.method = "post";
    form.action = undo;
    const button = document.createElement("button");
    button.className = "btn btn-small";
    button.textContent = results().dataset.undo;
    form.append(button);
    notice.append(form);
  }
  document.getElementById("list").before(notice);
};

// The row is drawn anew as the list shows it: what is computed from the cell changes with it.
async function refresh(id, index) {
  const answer = await fetch(location.href, { headers: { "X-Alpine-Request": "true" } });
  const row = rowOf(id);
  if (!answer.ok || !row) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const anew = fresh.querySelector(`.list tbody tr[data-id="${CSS.escape(id)}"]`);
  if (!anew) {
    row.remove(); // it left what the list shows
    return;
  }
  row.replaceWith(anew);
  focus(anew.cells[index]);
}

async function save(form) {
  const { cell } = open;
  const { id } = cell.parentElement.dataset;
  const title = cell.parentElement.querySelector("td.main > a").textContent;
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  let answer;
  let told;
  try {
    answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { accept: "application/json" } });
    told = await answer.json();
  } catch {
    answer = null;
  }
  button.disabled = false;
  if (!answer?.ok) {
    refuse(form, told?.reason ?? results().dataset.lost);
    return;
  }
  const name = form.querySelector("#cell-value-label").textContent;
  const index = cell.cellIndex;
  leave(false);
  tell(results().dataset.saved.replace("{title}", title).replace("{field}", name), told.undo);
  await refresh(id, index);
}

document.addEventListener("dblclick", (event) => {
  const cell = cellOf(event.target);
  if (cell && !event.target.closest(".cell-form, a, input")) edit(cell);
});
document.addEventListener("submit", (event) => {
  if (!event.target.matches(".cell-form")) return;
  event.preventDefault();
  save(event.target);
});
document.addEventListener("click", (event) => {
  if (event.target.closest(".cell-form [data-leave]")) leave();
});

// Arrows go on from cell to cell; `list.js` goes from row to row while a title has the focus.
const across = { ArrowLeft: -1, ArrowRight: 1 };
const along = { ArrowUp: -1, ArrowDown: 1 };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest(".cell-form")) {
    if (event.key === "Escape" && !event.defaultPrevented) {
      event.preventDefault();
      leave();
    }
    return;
  }
  const cell = cellOf(event.target);
  if (!cell || event.target.closest("input")) return;
  const main = cell.matches(".main");
  let next = null;
  if (event.key in across) next = cell.parentElement.cells[cell.cellIndex + across[event.key]];
  else if (event.key in along && !main) {
    const rows = [...document.querySelectorAll(".list tbody tr[data-id]")];
    next = rows[rows.indexOf(cell.parentElement) + along[event.key]]?.cells[cell.cellIndex];
  } else if (event.key === "F2" || (event.key === "Enter" && event.target === cell)) {
    event.preventDefault();
    edit(cell);
    return;
  } else return;
  event.preventDefault();
  if (next) focus(next);
}, true);
