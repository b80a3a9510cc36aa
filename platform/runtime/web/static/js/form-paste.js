// Rows copied from a spreadsheet, pasted into lines: cell by cell from where the caret is, with as many rows as needed.
const MOST = 500;

const control = (cell) => cell?.querySelector("select[name]:not([aria-label]), input[name]:not([type=hidden]), textarea[name]");

const grid = (text) => text.replace(/\r\n?/g, "\n").replace(/\n$/, "").split("\n").slice(0, MOST).map((row) => row.split("\t").map((cell) => cell.trim()));

// A choice takes the option whose words were pasted; what fits no option stays as it is.
const put = (input, text) => {
  if (!input || input.disabled || input.readOnly) return;
  if (input.tagName === "SELECT") {
    const option = [...input.options].find((one) => one.textContent.trim() === text || one.value === text);
    if (!option) return;
    input.value = option.value;
  } else if (input.type === "checkbox" || input.type === "radio") return;
  else input.value = text;
  input.dispatchEvent(new CustomEvent("filled", { bubbles: true }));
};

export const pasting = (form) => {
  form.addEventListener("paste", (event) => {
    const cell = event.target.closest("[data-lines] [data-column]");
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!cell || !/[\t\n]/.test(text.replace(/\r?\n$/, ""))) return;
    const table = cell.closest("[data-lines]");
    if (!table.querySelector("template")) return;
    event.preventDefault();
    const rows = grid(text);
    const body = table.querySelector("tbody");
    const [top, left] = [[...body.rows].indexOf(cell.closest("tr")), [...cell.parentElement.cells].indexOf(cell)];
    while (body.rows.length < Math.min(top + rows.length, MOST)) table.dispatchEvent(new CustomEvent("line-more"));
    rows.forEach((texts, down) => {
      const cells = body.rows[top + down]?.querySelectorAll("[data-column]") ?? [];
      texts.forEach((one, right) => put(control(cells[left + right]), one));
    });
    table.dispatchEvent(new Event("input", { bubbles: true }));
  });
};
