// Rows of lines: their order is that of the numbers in their inputs' names.
const NUMBERED = ["name", "id", "for", "value", "aria-describedby", "aria-labelledby", "data-name"];

// Every row is numbered apart from the page, so that radios of two rows never meet under one name.
export const number = (table) => {
  const [name, body] = [table.dataset.lines, table.querySelector("tbody")];
  const rows = [...body.rows];
  rows.forEach((row) => row.remove());
  rows.forEach((row, index) => {
    const [before, after] = [`${name}.${row.dataset.row}`, `${name}.${index}`];
    row.dataset.row = index;
    if (before === after) return;
    for (const element of row.querySelectorAll("*")) {
      for (const key of NUMBERED) {
        const held = element.getAttribute(key);
        if (held === null || (key === "value" && element.name !== "_remove")) continue;
        const moved = held.split(" ").map((each) => renamed(each, before, after)).join(" ");
        if (moved !== held) element.setAttribute(key, moved);
      }
    }
  });
  body.append(...rows);
};

const renamed = (text, before, after) => {
  const start = ["", "f-"].find((each) => text === each + before || text.startsWith(`${each}${before}.`));
  return start === undefined ? text : start + after + text.slice(start.length + before.length);
};

export const moveRow = (row, way) => {
  const other = way === "up" ? row.previousElementSibling : row.nextElementSibling;
  if (!other) return false;
  if (way === "up") other.before(row);
  else other.after(row);
  return true;
};

// What a row holds, put into the row with this number behind it; a new row is no stored one.
export const copyRow = (table, row, index) => {
  const copy = table.querySelector(`tr[data-row="${index}"]`);
  const [from, to] = [`${table.dataset.lines}.${row.dataset.row}.`, `${table.dataset.lines}.${index}.`];
  row.after(copy);
  for (const input of row.querySelectorAll("[name]:not(button)")) {
    const field = input.name.slice(from.length);
    if (field === "id") continue;
    for (const mine of copy.querySelectorAll(`[name="${CSS.escape(to + field)}"]`)) put(mine, input);
  }
};

const put = (mine, input) => {
  if (["checkbox", "radio"].includes(mine.type)) {
    if (mine.value === input.value) mine.checked = input.checked;
    return;
  }
  if (mine.type === "file") return;
  if (mine.tagName === "SELECT" && ![...mine.options].some((one) => one.value === input.value)) mine.add(new Option(input.selectedOptions[0]?.text ?? input.value, input.value));
  mine.value = input.value;
  mine.dispatchEvent(new CustomEvent("filled", { bubbles: true }));
};
