// Conditions of a form, evaluated on what its inputs hold now; the server decides them again at saving.
import { evaluate } from "./expression.js";
import { VALUES, plainNumber } from "./field-values.js";
import { figure } from "./form-figures.js";
import { computed, put, settled, shown } from "./form-formulas.js";

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
  const read = READ[kind];
  return read ? read(form, name, zone) : textOf(form, name) || null;
};

const tablesOf = (form, name) => form.querySelectorAll(`[data-lines="${CSS.escape(name)}"]`);
const empty = (value) => value === null || value === "" || value === undefined || (Array.isArray(value) && value.length === 0);

// What a row of lines holds, as formulas take it: each column read as its kind, its own formulas computed.
const rowOf = (form, name, field, row, env) => {
  const values = {};
  for (const [column, kind] of Object.entries(field.columns ?? {})) {
    values[column] = valueOf(form, `${name}.${row.dataset.row}.${column}`, kind, env.zone);
  }
  return { ...values, ...(field.rows ? computed(field.rows, values, env) : {}) };
};

// The rows that hold anything: others are no lines yet.
const linesOf = (form, name, field, env) =>
  [...tablesOf(form, name)]
    .flatMap((table) => [...table.querySelectorAll("tbody tr")])
    .map((row) => rowOf(form, name, field, row, env))
    .filter((values) => Object.keys(field.columns ?? {}).some((column) => !empty(values[column]) && values[column] !== false));

const reckonRows = (form, name, field, env) => {
  for (const table of tablesOf(form, name)) {
    for (const row of table.querySelectorAll("tbody tr")) {
      const values = rowOf(form, name, field, row, env);
      for (const [column, formula] of Object.entries(field.rows)) {
        put(row.querySelector(`[data-column="${CSS.escape(column)}"] [data-computed]`), shown(formula, values[column], env.zone));
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
  const figures = Object.fromEntries(names.filter((name) => fields[name].figure).map((name) => [name, fields[name].figure]));
  const env = { now: context.now, zone: context.zone, context: { $user: context.user, $before: context.before } };
  let stored = context.record;

  const valueNow = (name, field) => {
    if (boxes.get(name)?.hidden && field.clear) return null;
    if (field.kind === "lines") return linesOf(form, name, field, env);
    const value = valueOf(form, name, field.kind, context.zone);
    const before = stored[name];
    return before && typeof before === "object" && before.id && before.id === value ? before : value;
  };

  const record = () => {
    const values = { ...stored };
    for (const name of names) {
      if (fields[name].writable) values[name] = valueNow(name, fields[name]);
    }
    for (const [name, one] of Object.entries(figures)) {
      if (fields[one.lines]?.writable) values[name] = figure(one, values[one.lines] ?? []);
    }
    return { ...values, ...computed(formulas, values, env) };
  };

  const holds = (rule, values) => evaluate(rule.ast, values, { ...env, types: rule.types }) === true;

  // A lookup shows the record that was linked; of another one it is known once the server has said so.
  const lookups = names.filter((name) => fields[name].through && control(form, fields[name].through));
  const linked = new Map(lookups.map((name) => [name, textOf(form, fields[name].through)]));

  const reckon = (values) => {
    for (const name of lookups) {
      const moved = textOf(form, fields[name].through) !== linked.get(name);
      boxes.get(name)?.querySelector("[data-computed]")?.classList.toggle("later", moved);
    }
    for (const [name, one] of [...Object.entries(formulas), ...Object.entries(figures)]) {
      if (fields[one.lines]?.writable === false) continue;
      put(boxes.get(name)?.querySelector("[data-computed]"), shown(one, settled(one, values[name]), context.zone));
    }
    for (const name of names) {
      if (fields[name].rows) reckonRows(form, name, fields[name], env);
    }
  };

  // What the server says of the links as they were when it was asked, by the names of their inputs.
  const take = (found, asked) => {
    stored = found.record;
    for (const name of lookups) linked.set(name, asked.get(fields[name].through) ?? "");
    for (const [name, html] of Object.entries(found.computed)) {
      const [field, row, column] = name.split(".");
      const place = column === undefined ? boxes.get(field) : form.querySelector(`[data-lines="${CSS.escape(field)}"] tr[data-row="${CSS.escape(row)}"] [data-column="${CSS.escape(column)}"]`);
      const output = place?.querySelector("[data-computed]");
      if (!output || output.innerHTML === html) continue;
      output.innerHTML = html;
    }
    apply();
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

  return { apply, take, required: (name) => must.has(name) };
};
