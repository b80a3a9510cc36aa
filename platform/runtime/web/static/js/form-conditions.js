// Conditions of a form, evaluated on what its inputs hold now; the server decides them again at saving.
import { evaluate } from "./expression.js";
import { VALUES, plainNumber } from "./field-values.js";
import { computed, put, shown } from "./form-formulas.js";

const PASSES = 4;

// The instant that a wall-clock time names in a zone, as ISO text; null for none.
const instant = (text, zone) => {
  const utc = Date.parse(`${text.trim().replace(" ", "T")}Z`);
  if (Number.isNaN(utc)) return null;
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
  const offset = (at) => Date.parse(`${format.format(new Date(at)).replace(" ", "T")}Z`) - at;
  return new Date(utc - offset(utc - offset(utc))).toISOString();
};

const control = (form, name) => form.elements.namedItem(name);
const textOf = (form, name) => {
  const found = control(form, name);
  return found && "value" in found ? found.value : "";
};

const READ = {
  ...VALUES,
  integer: (form, name) => plainNumber(textOf(form, name)),
  decimal: (form, name) => plainNumber(textOf(form, name)),
  money(form, name) {
    const amount = plainNumber(textOf(form, name));
    return amount === null ? null : { amount, currency: textOf(form, `${name}.currency`) };
  },
  datetime: (form, name, zone) => instant(textOf(form, name), zone),
};

const valueOf = (form, name, kind, zone) => {
  if (kind === "lines") return linesOf(form, name);
  const read = READ[kind];
  return read ? read(form, name, zone) : textOf(form, name) || null;
};

const linesOf = (form, name) => {
  const rows = [];
  for (const row of form.querySelectorAll(`[data-lines="${CSS.escape(name)}"] tbody tr`)) {
    const values = {};
    let filled = false;
    for (const cell of row.querySelectorAll("[data-column]")) {
      const input = cell.querySelector("select[name]:not([aria-label]), input[name]:not([type=hidden]), textarea");
      const text = input ? input.value : "";
      if (text) filled = true;
      values[cell.dataset.column] = input && "number" in input.dataset ? plainNumber(text) : text || null;
    }
    if (filled) rows.push(values);
  }
  return rows;
};

// What a row of lines holds, as formulas take it: amounts with their currency, dates and choices as text.
const rowOf = (row) => {
  const values = {};
  for (const cell of row.querySelectorAll("[data-column]")) {
    const input = cell.querySelector("select[name]:not([aria-label]), input[name]:not([type=hidden]), textarea");
    const currency = cell.querySelector('select[name$=".currency"]')?.value;
    const value = input && "number" in input.dataset ? plainNumber(input.value) : input?.value || null;
    values[cell.dataset.column] = currency && value !== null ? { amount: value, currency } : value;
  }
  return values;
};

const reckonRows = (form, name, formulas, env) => {
  for (const table of form.querySelectorAll(`[data-lines="${CSS.escape(name)}"]`)) {
    for (const row of table.querySelectorAll("tbody tr")) {
      const found = computed(formulas, rowOf(row), env);
      for (const [column, value] of Object.entries(found)) {
        put(row.querySelector(`[data-column="${CSS.escape(column)}"] [data-computed]`), shown(formulas[column], value, env.zone));
      }
    }
    table.dispatchEvent(new CustomEvent("filled"));
  }
};

// A switch that may not be set sends nothing, its hidden half included.
const holdSwitch = (input, readonly) => {
  input.disabled = readonly;
  const other = input.previousElementSibling;
  if (other && other.type === "hidden" && other.name === input.name) other.disabled = readonly;
};

export const conditionsOf = (form, fields, context) => {
  const names = Object.keys(fields);
  const boxes = new Map([...form.querySelectorAll("[data-field]")].map((box) => [box.dataset.field, box]));
  const must = new Set();
  const formulas = Object.fromEntries(names.filter((name) => fields[name].formula).map((name) => [name, fields[name].formula]));
  const env = { now: context.now, zone: context.zone, context: { $user: context.user, $before: context.before } };

  const record = () => {
    const values = { ...context.record };
    for (const name of names) {
      const field = fields[name];
      if (!field.writable) continue;
      let value = valueOf(form, name, field.kind, context.zone);
      const before = context.record[name];
      if (before && typeof before === "object" && before.id && before.id === value) value = before;
      if (boxes.get(name)?.hidden && field.clear) value = null;
      values[name] = value;
    }
    return { ...values, ...computed(formulas, values, env) };
  };

  const holds = (rule, values) => evaluate(rule.ast, values, { ...env, types: rule.types }) === true;

  // A lookup shows the record that was linked; of another one it is known after saving.
  const lookups = names.filter((name) => fields[name].through && control(form, fields[name].through));
  const linked = new Map(lookups.map((name) => [name, textOf(form, fields[name].through)]));

  const reckon = (values) => {
    for (const name of lookups) {
      const moved = textOf(form, fields[name].through) !== linked.get(name);
      boxes.get(name)?.querySelector("[data-computed]")?.classList.toggle("later", moved);
    }
    for (const [name, formula] of Object.entries(formulas)) {
      put(boxes.get(name)?.querySelector("[data-computed]"), shown(formula, values[name], context.zone));
    }
    for (const name of names) {
      if (fields[name].rows) reckonRows(form, name, fields[name].rows, env);
    }
  };

  const show = (box, visible) => {
    if (box.hidden === !visible) return false;
    box.hidden = !visible;
    for (const one of box.querySelectorAll("input, select, textarea")) one.disabled = !visible;
    return true;
  };

  const apply = () => {
    for (let pass = 0; pass < PASSES; pass += 1) {
      const values = record();
      let moved = false;
      for (const name of names) {
        const box = boxes.get(name);
        if (box && fields[name].visible) moved = show(box, holds(fields[name].visible, values)) || moved;
      }
      if (!moved) break;
    }
    for (const section of form.querySelectorAll(".section")) {
      const inside = [...section.querySelectorAll("[data-field]")];
      section.hidden = inside.length > 0 && inside.every((box) => box.hidden);
    }
    const values = record();
    reckon(values);
    must.clear();
    for (const name of names) {
      const [field, box] = [fields[name], boxes.get(name)];
      if (!box || box.hidden || !field.writable) continue;
      if (field.must || (field.required && holds(field.required, values))) must.add(name);
      if (field.required) mark(box, must.has(name));
      if (field.readonly) hold(box, holds(field.readonly, values));
    }
  };

  const mark = (box, required) => {
    const star = box.querySelector("[data-star]");
    if (star) star.hidden = !required;
    const input = box.querySelector("input.in, select.in, textarea.in");
    if (input) input.required = required;
  };

  const hold = (box, readonly) => {
    for (const input of box.querySelectorAll("input:not([type=hidden]), textarea")) {
      if (input.type === "radio") input.disabled = readonly && !input.checked;
      else if (input.type === "checkbox") holdSwitch(input, readonly);
      else input.readOnly = readonly;
    }
  };

  return { apply, required: (name) => must.has(name) };
};
