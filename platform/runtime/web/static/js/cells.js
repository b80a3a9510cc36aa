// A cell of a list changed in place: double click, Enter or F2 fetch the field's control; Escape leaves.
// What was changed is taken back on the list, and a row that no longer belongs to it stays, greyed, until the next load.
import { comboboxes } from "./combobox.js";

const results = () => document.getElementById("list-results");
const cellOf = (target) => target.closest?.(".list tbody tr[data-id] > td") ?? null;
const head = (cell) => cell.closest("table").tHead.rows[0].cells[cell.cellIndex];
const fieldOf = (cell) => head(cell)?.dataset.edits ?? "";
const rowOf = (id) => document.querySelector(`.list tbody tr[data-id="${CSS.escape(id)}"]`);
const address = (row, part) => `${results().dataset.cells}/${row.dataset.id}/${part}`;

let open = null; // { cell, form }
let saving = null; // while a cell is on its way: whether it got there

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

// A cell asked for while another is being saved waits for it: its row may be drawn anew.
async function edit(asked) {
  const field = fieldOf(asked);
  if (!field || open?.cell === asked) return;
  const { id } = asked.parentElement.dataset;
  const at = asked.cellIndex;
  if (saving && !(await saving)) return;
  const cell = rowOf(id)?.cells[at];
  if (!cell) return;
  leave(false);
  let answer;
  try {
    answer = await fetch(`${address(cell.parentElement, "cell")}?field=${encodeURIComponent(field)}`);
  } catch {
    return;
  }
  if (!answer.ok || !cell.isConnected || open) return;
  const made = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".cell-form");
  if (!made) return;
  await Promise.all(made.dataset.needs.split(" ").filter(Boolean).map((script) => import(script)));
  if (!cell.isConnected || open) return;
  cell.append(made);
  open = { cell, form: made };
  comboboxes(made);
  made.dispatchEvent(new Event("line-added", { bubbles: true })); // its control's own scripts
  place();
  const input = made.querySelector("input:checked, input:not([type=hidden], [hidden]), textarea, select");
  input?.focus();
  if (input?.matches("input:not([type=radio], [type=checkbox])")) input.select?.();
}

const tell = (text, tone, undo = null) => {
  document.querySelector(".cell-notice")?.remove();
  const notice = document.createElement("div");
  notice.className = `notice tone-${tone} cell-notice`;
  notice.setAttribute("role", "status");
  const said = document.createElement("span");
  said.textContent = text;
  notice.append(said);
  if (undo) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-small";
    button.textContent = results().dataset.undo;
    button.addEventListener("click", () => takeBack(undo, button));
    notice.append(button);
  }
  document.getElementById("list").before(notice);
};

const post = async (to, body) => {
  try {
    const answer = await fetch(to, { method: "POST", body, headers: { accept: "application/json" } });
    return { ok: answer.ok, told: await answer.json() };
  } catch {
    return { ok: false, told: {} };
  }
};

// The row is drawn anew as the list shows it: what is computed from the cell changes with it.
async function refresh(id, index) {
  const row = rowOf(id);
  if (!row) return true;
  const answer = await fetch(`${address(row, "row")}${location.search}`).catch(() => null);
  if (!answer) return true; // saved, though the row cannot be drawn anew now
  const fresh = new DOMParser().parseFromString(answer.ok ? await answer.text() : "", "text/html");
  const anew = fresh.querySelector("tr[data-id]") ?? row;
  const box = row.querySelector(".pick");
  if (box && anew !== row) anew.querySelector(".pick").checked = box.checked;
  row.replaceWith(anew);
  focus(anew.cells[index]);
  if (anew === row || fresh.querySelector("[data-out]")) {
    anew.classList.add("is-out");
    return false;
  }
  return true;
}

// What was saved in a cell is taken back, and that again; the list stays where it is.
async function takeBack({ to, id, index }, button) {
  button.disabled = true;
  const { ok, told } = await post(to, new URLSearchParams());
  if (!ok) {
    tell(told.reason ?? results().dataset.lost, "watch");
    return;
  }
  await refresh(id, index);
  tell(results().dataset.undone, "good", told.undo ? { to: told.undo, id, index } : null);
}

async function save(form) {
  const { cell } = open;
  const { id } = cell.parentElement.dataset;
  const title = cell.parentElement.querySelector("td.main > a").textContent;
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  const { ok, told } = await post(form.action, new URLSearchParams(new FormData(form)));
  button.disabled = false;
  if (!ok) {
    refuse(form, told.reason ?? results().dataset.lost);
    return false;
  }
  const name = form.querySelector("#cell-value-label").textContent;
  const index = cell.cellIndex;
  leave(false);
  const stays = await refresh(id, index);
  const { saved, left } = results().dataset;
  const said = (stays ? saved : left).replace("{title}", title).replace("{field}", name);
  tell(said, stays ? "good" : "watch", told.undo ? { to: told.undo, id, index } : null);
  return true;
}

document.addEventListener("dblclick", (event) => {
  const cell = cellOf(event.target);
  if (cell && !event.target.closest(".cell-form, a, input")) edit(cell);
});
document.addEventListener("submit", (event) => {
  if (!event.target.matches(".cell-form")) return;
  event.preventDefault();
  if (saving) return;
  saving = save(event.target).finally(() => {
    saving = null;
  });
});
document.addEventListener("click", (event) => {
  if (event.target.closest(".cell-form [data-leave]")) leave();
});

// Arrows go on from cell to cell; `list.js` goes from row to row while a title has the focus.
const across = { ArrowLeft: -1, ArrowRight: 1 };
const along = { ArrowUp: -1, ArrowDown: 1 };
document.addEventListener("keydown", (event) => {
  const form = event.target.closest(".cell-form");
  if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (form) {
    if (event.key === "Escape" && event.target.getAttribute("aria-expanded") !== "true") {
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
