// Drafts of a form: what was typed, kept on this device alone, one per person, record and version.
const DRAFT = "dacheng.draft.";

const notice = (form, at, older, drop) => {
  const note = document.createElement("div");
  note.className = older ? "notice tone-watch" : "notice";
  note.setAttribute("role", "status");
  const text = document.createElement("span");
  const then = new Date(at);
  const today = then.toDateString() === new Date().toDateString();
  const time = then.toLocaleString(document.documentElement.lang, { ...(today ? {} : { month: "numeric", day: "numeric" }), hour: "2-digit", minute: "2-digit" });
  text.textContent = (older ? form.dataset.draftOlder : form.dataset.draftFound).replace("{time}", time);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-small";
  button.textContent = form.dataset.draftDrop;
  button.addEventListener("click", drop);
  note.append(text, button);
  form.before(note);
};

const byName = (pairs) => {
  const found = new Map();
  for (const [name, value] of pairs) found.set(name, [...(found.get(name) ?? []), value]);
  return found;
};

const set = (control, values, titles = {}) => {
  if (control.type === "radio" || control.type === "checkbox") control.checked = values.includes(control.value);
  else if (control.type !== "hidden" || control.name.endsWith(".id") || "auto" in control.dataset) {
    const [value] = values;
    if (control.closest("[data-combo]") && control.tagName === "SELECT" && ![...control.options].some((one) => one.value === value)) control.add(new Option(titles[control.name] ?? value, value));
    control.value = value;
    control.dispatchEvent(new CustomEvent("filled", { bubbles: true }));
  }
};

// The controls of a field take these texts, by name; a title goes with the id of a record.
export const fill = (box, texts) => {
  const titles = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name.replace(/\.title$/, ""), text]));
  for (const control of box.querySelectorAll("input[name], select[name], textarea[name]")) {
    if (control.name in texts) set(control, [texts[control.name]], titles);
    else if (control.type === "checkbox") control.checked = false;
  }
};

// Lines that the draft has are there, those that it lacks are not.
const rows = (form, values) => {
  const kept = new Set();
  for (const name of values.keys()) {
    const row = name.match(/^([a-z0-9_]+)\.(\d+)\./);
    if (!row) continue;
    kept.add(`${row[1]}.${row[2]}`);
    form.dispatchEvent(new CustomEvent("line-needed", { detail: { lines: row[1], index: Number(row[2]) } }));
  }
  for (const table of form.querySelectorAll("[data-lines]"))
    for (const row of table.querySelectorAll("tbody tr")) if (!kept.has(`${table.dataset.lines}.${row.dataset.row}`)) row.remove();
};

// The words of the records that are linked to: a choice found by searching is among no page's first options.
const titlesOf = (form) =>
  Object.fromEntries([...form.querySelectorAll("[data-combo] select[name]")].filter((one) => one.value).map((one) => [one.name, one.selectedOptions[0].text]));

// A draft of the same record in an earlier version: somebody saved since it was typed. It moves under the present name.
const brought = (name) => {
  const stem = name.slice(0, name.lastIndexOf(".") + 1);
  const older = Object.keys(localStorage).find((each) => each.startsWith(stem) && each !== name && /^\d+$/.test(each.slice(stem.length)));
  if (!older) return;
  localStorage.setItem(name, localStorage.getItem(older));
  localStorage.removeItem(older);
};

export const draftOf = (form, entries) => {
  if (!form.dataset.draft) return { name: "", keep() {}, forget() {}, restore: () => false };
  const name = DRAFT + form.dataset.draft;
  const own = Object.fromEntries(["_key", "_auto", "_version", "_was"].map((each) => [each, form.querySelector(`[name=${each}]`)]));
  const present = own._version?.value;
  const forget = () => localStorage.removeItem(name);

  // The request's key is kept along: what was saved although no answer came is not saved twice. So is the version
  // that was typed over: the save says what somebody else changed since.
  const keep = () => {
    const hidden = Object.fromEntries(Object.entries(own).filter(([, input]) => input).map(([each, input]) => [each, input.value]));
    try {
      localStorage.setItem(name, JSON.stringify({ at: Date.now(), own: hidden, values: entries(), titles: titlesOf(form) }));
    } catch {
      // a full or forbidden storage keeps nothing; the form goes on without
    }
  };

  const kept = () => {
    try {
      if (present && !localStorage.getItem(name)) brought(name);
      return JSON.parse(localStorage.getItem(name));
    } catch {
      return null;
    }
  };

  // Puts a kept draft back and says so; `drop` is what discarding it does.
  const restore = (drop) => {
    const draft = kept();
    if (!draft || !Array.isArray(draft.values) || document.querySelector("#error-summary, .conflict")) return false;
    const values = byName(draft.values);
    for (const [each, value] of Object.entries(draft.own ?? {})) if (own[each]) own[each].value = value;
    rows(form, values);
    for (const control of form.querySelectorAll("input[name], select[name], textarea[name]")) {
      if (control.name.startsWith("_")) continue;
      if (values.has(control.name)) set(control, values.get(control.name), draft.titles);
      else if (control.type === "checkbox" || control.type === "radio") control.checked = false;
    }
    notice(form, draft.at, present !== own._version?.value, drop);
    return true;
  };

  return { name, keep, forget, restore };
};
