// Choices whose options depend on another choice: narrowed while choosing; what is no longer offered is cleared in sight.
const held = (form, name) => {
  const found = [...form.querySelectorAll(`select[name="${CSS.escape(name)}"], input[type="radio"][name="${CSS.escape(name)}"], input[type="checkbox"][name^="${CSS.escape(name)}."]`)];
  return { known: found.length > 0, values: found.filter((one) => (one.matches("select") ? one.value : one.checked)).map((one) => one.value) };
};

const offered = (element, above) => !element.dataset.under || element.dataset.under.split(" ").some((each) => above.includes(each));

// Each option with the element that says what it stands under.
const optionsOf = (root) => [...root.querySelectorAll("[data-under]")].map((at) => ({ at, input: at.matches("option") ? at : at.querySelector("input") }));

const narrow = (root, quiet) => {
  const form = root.closest("form");
  const { known, values } = held(form, root.dataset.depends);
  if (!known) return false;
  const gone = [];
  for (const { at, input } of optionsOf(root)) {
    const shown = offered(at, values);
    const chosen = at.matches("option") ? at.selected : input.checked;
    if (!shown && chosen && !quiet) {
      gone.push(at.textContent.trim());
      if (at.matches("option")) at.parentElement.value = "";
      else input.checked = false;
    }
    at.hidden = !shown && !(quiet && chosen);
    if (at.matches("option")) at.disabled = at.hidden;
  }
  for (const none of root.querySelectorAll("input[type=radio][value='']")) {
    if (gone.length) none.checked = true;
  }
  say(root, gone);
  return gone.length > 0;
};

const say = (root, gone) => {
  const box = root.closest("[data-field]") ?? root.parentElement;
  let said = box.querySelector(":scope > [data-cleared]");
  if (!said && !gone.length) return;
  if (!said) {
    said = document.createElement("p");
    said.className = "hint";
    said.setAttribute("role", "status");
    said.dataset.cleared = "";
    box.append(said);
  }
  said.textContent = gone.length ? root.dataset.clearedWord.replace("{options}", gone.join("、")) : "";
};

const changed = (event) => {
  const form = event.target.form;
  const name = event.target.name ?? "";
  if (!form) return;
  for (const root of form.querySelectorAll("[data-depends]")) {
    const above = root.dataset.depends;
    if (name !== above && !name.startsWith(`${above}.`)) continue;
    if (narrow(root, false)) {
      const input = root.querySelector("select, input");
      input.dispatchEvent(new Event("filled", { bubbles: true }));
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }
};

const prepare = (root) => root.querySelectorAll("[data-depends]").forEach((one) => narrow(one, true));

document.addEventListener("change", changed, true);
document.addEventListener("line-added", (event) => prepare(event.target));
prepare(document);
