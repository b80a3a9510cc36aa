// Lines: rows added and removed without a round trip, sums kept under their columns.
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
      if (!remove) return;
      event.preventDefault();
      const row = remove.closest("tr");
      const next = (row.nextElementSibling ?? row.previousElementSibling)?.querySelector("input:not([type=hidden]), select");
      row.remove();
      (next ?? button).focus();
      table.dispatchEvent(new Event("input", { bubbles: true }));
    });
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
