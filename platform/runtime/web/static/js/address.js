// Province, city, district: each choice decides what the next one offers.
let asked = null;
const regions = () => (asked ??= fetch("/regions", { headers: { accept: "application/json" } }).then((answer) => answer.json()));

const fill = (select, names, held) => {
  const [first] = select.options;
  const shown = held && !names.includes(held) ? [...names, held] : names;
  select.replaceChildren(first, ...shown.map((name) => new Option(name, name, false, name === held)));
  if (!held) select.value = names.length === 1 ? names[0] : "";
};

const settle = async (box, changed) => {
  const part = (name) => box.querySelector(`[data-part="${name}"]`);
  const all = await regions();
  const cities = all[part("province").value] ?? {};
  if (changed === "province") fill(part("city"), Object.keys(cities), "");
  if (changed !== "district") fill(part("district"), cities[part("city").value] ?? [], "");
  box.dispatchEvent(new Event("input", { bubbles: true }));
};

// What a draft brings back: offer it even before the divisions have come.
const restore = (select, box) => {
  if (select.dataset.part === "province") settle(box, "province");
};

document.addEventListener("change", (event) => {
  const box = event.target.closest?.("[data-address]");
  if (box && event.target.dataset.part) settle(box, event.target.dataset.part);
});
document.addEventListener("filled", (event) => {
  const box = event.target.closest?.("[data-address]");
  if (box && event.target.dataset.part) restore(event.target, box);
});
