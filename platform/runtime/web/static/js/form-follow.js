// What only the server can say while a form is filled in: values a chosen record brings, defaults that follow what they depend on.
import { fill } from "./form-draft.js";

const PAUSE = 250;
const PATIENCE = 5000;
const OWN = new Set(["_key", "_was", "_version"]);

const pairs = (form) => [...new FormData(form).entries()].filter(([name, value]) => !OWN.has(name) && typeof value === "string");

const grouped = (texts) => {
  const found = new Map();
  for (const [name, text] of Object.entries(texts)) {
    const field = name.split(".")[0];
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
    for (const [field, texts] of grouped(found.texts)) {
      const box = form.querySelector(`[data-field="${CSS.escape(field)}"]`);
      if (box && held(now, field) === held(then, field)) fill(box, texts);
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
    return fields[name]?.asks || (typeof through === "object" && Object.values(through).includes(column));
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
