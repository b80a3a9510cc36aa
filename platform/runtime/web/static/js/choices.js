// Several options: the limit, the order of choosing, the search over many.
const boxes = (root) => [...root.querySelectorAll("input[type=checkbox]")];

const settle = (root) => {
  const order = root.querySelector("[data-order]");
  const all = boxes(root);
  const ticked = new Set(all.filter((box) => box.checked).map((box) => box.value));
  const kept = order.value.split(",").filter((value) => ticked.has(value));
  const now = [...kept, ...[...ticked].filter((value) => !kept.includes(value))];
  order.value = now.join(",");
  const full = now.length >= Number(root.dataset.most);
  for (const box of all) {
    if (!root.hasAttribute("data-readonly")) box.disabled = full && !box.checked;
    const rank = box.parentElement.querySelector(".rank");
    rank.textContent = root.hasAttribute("data-ordered") && box.checked ? String(now.indexOf(box.value) + 1) : "";
  }
};

const narrow = (root, text) => {
  const wanted = text.trim().toLowerCase();
  for (const chip of root.querySelectorAll(".choice-chip")) {
    chip.hidden = wanted !== "" && !chip.textContent.toLowerCase().includes(wanted);
  }
};

const prepare = (root) => {
  const all = boxes(root);
  if (all.length && all.every((box) => box.disabled)) root.setAttribute("data-readonly", "");
  const search = root.querySelector("[data-narrow]");
  if (search) search.hidden = false;
  settle(root);
};

// Before the form hears of it, so that what it compares is settled.
document.addEventListener("change", (event) => {
  const root = event.target.closest?.("[data-choices]");
  if (root && event.target.type === "checkbox") settle(root);
}, true);
document.addEventListener("input", (event) => {
  const root = event.target.closest?.("[data-choices]");
  if (!root) return;
  if (event.target.matches("[data-narrow]")) {
    event.stopPropagation();
    narrow(root, event.target.value);
  } else if (event.target.type === "checkbox") settle(root);
}, true);
document.addEventListener("filled", (event) => {
  const root = event.target.closest?.("[data-choices]");
  if (root) settle(root);
});
document.addEventListener("line-added", (event) => event.target.querySelectorAll("[data-choices]").forEach(prepare));
document.querySelectorAll("[data-choices]").forEach(prepare);
