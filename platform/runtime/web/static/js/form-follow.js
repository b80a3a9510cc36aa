// What only the server can say while a form is filled in: values a chosen record brings, defaults that follow what they depend on.
import { fill } from "./form-draft.js";

const PAUSE = 250;
const PATIENCE = 5000;
const OWN = new Set(["_key", "_was", "_version"]);

const pairs = (form) => [...new FormData(form).entries()].filter(([name, value]) => !OWN.has(name) && typeof value === "string");

// A field, or one cell of a line: `lines.0.amount`.
const placeOf = (name) => (/^[a-z0-9_]+\.\d+\./.test(name) ? name.split(".").slice(0, 3).join(".") : name.split(".")[0]);

const grouped = (texts) => {
  const found = new Map();
  for (const [name, text] of Object.entries(texts)) {
    const field = placeOf(name);
    found.set(field, { ...found.get(field), [name]: text });
  }
  return found;
};

const held = (entries, field) => JSON.stringify(entries.filter(([name]) => name === field || name.startsWith(`${field}.`)));

export const followerOf = (form, fields, take) => {
  const address = form.dataset.follow;
  const auto = form.querySelector("[name=_auto]");
  let timer = 0;
  let asked = 0;
  let answered = Promise.resolve();

  // A field in which somebody typed since the question was put stays as it is.
  const put = (found, then) => {
    const now = pairs(form);
    const typing = placeOf(document.activeElement?.name ?? "");
    for (const [place, texts] of grouped(found.texts)) {
      const cell = place.includes(".");
      const note = cell && form.querySelector(`input[data-auto][name="${CSS.escape(place)}"]`);
      if (note) note.value = texts[place];
      if (note || (cell && place === typing)) continue;
      const [field, , column] = place.split(".").map((each) => CSS.escape(each));
      const box = form.querySelector(cell ? `[data-lines="${field}"] tr[data-row="${place.split(".")[1]}"] [data-column="${column}"]` : `[data-field="${field}"]`);
      if (box && held(now, place) === held(then, place)) fill(box, texts);
    }
    if (auto) auto.value = found.auto;
    take(found, new Map(then));
  };

  const ask = async () => {
    const turn = ++asked;
    const then = pairs(form);
    try {
      const answer = await fetch(address, { method: "POST", body: new URLSearchParams(then), headers: { accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE) });
      if (answer.ok && turn === asked) put(await answer.json(), then);
    } catch {
      // without network the form goes on; a lookup says that it is known after saving
    }
  };

  const now = () => {
    clearTimeout(timer);
    timer = 0;
    answered = ask();
    return answered;
  };

  const asks = (target) => {
    const [name, , column] = (target.name ?? "").split(".");
    const through = fields[name]?.through;
    return fields[name]?.asks || fields[name]?.follows?.includes(column) || (typeof through === "object" && Object.values(through).includes(column));
  };

  return {
    now: () => (address ? now() : undefined),
    // Soon after something that others depend on was changed; at once for what is chosen.
    edited(event) {
      if (!address || !asks(event.target)) return;
      clearTimeout(timer);
      if (event.type === "change") now();
      else timer = setTimeout(now, PAUSE);
    },
    settled: () => (timer ? now() : answered),
  };
};
