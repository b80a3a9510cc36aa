// Formulas of a form, computed while it is filled in; what is saved the server computes itself.
import { evaluate } from "./expression.js";

const SIGNS = { CNY: "¥", USD: "$", EUR: "€", GBP: "£", HKD: "HK$", JPY: "JP¥" };
const UNGROUPED = 10000;

// Decimal text with just `scale` decimals, halves to the even neighbour: as the server keeps it.
const scaled = (text, scale) => {
  const minus = text.startsWith("-");
  const [whole, rest = ""] = text.replace("-", "").split(".");
  const digits = BigInt(whole + rest.slice(0, scale).padEnd(scale, "0"));
  const left = rest.slice(scale).replace(/0+$/, "");
  const half = left === "5" ? digits % 2n === 1n : left !== "" && left[0] >= "5";
  const all = (digits + (half ? 1n : 0n)).toString().padStart(scale + 1, "0");
  const cut = all.length - scale;
  return `${minus && /[1-9]/.test(all) ? "-" : ""}${all.slice(0, cut)}${scale ? `.${all.slice(cut)}` : ""}`;
};

const grouped = (text) => {
  const [whole, rest] = text.replace("-", "").split(".");
  const shown = rest === undefined && Number(whole) < UNGROUPED ? whole : whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${text.startsWith("-") ? "−" : ""}${shown}${rest === undefined ? "" : `.${rest}`}`;
};

const money = (value) => {
  const text = grouped(value.amount);
  const [minus, digits] = text.startsWith("−") ? ["−", text.slice(1)] : ["", text];
  return SIGNS[value.currency] ? `${minus}${SIGNS[value.currency]}${digits}` : `${minus}${value.currency} ${digits}`;
};

const percent = (text) => {
  const minus = text.startsWith("-");
  const [whole, rest = ""] = text.replace("-", "").split(".");
  const digits = whole + rest.padEnd(2, "0");
  const cut = whole.length + 2;
  const shown = `${digits.slice(0, cut)}.${digits.slice(cut)}`.replace(/^0+(?=\d)/, "").replace(/\.?0*$/, "");
  return `${minus ? "−" : ""}${shown}%`;
};

const moment = (text, zone) => {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
  return format.format(new Date(text));
};

const WORDS = { en: ["h", "m", "s"], zh: [" 小时", " 分", " 秒"] };
const span = (text) => {
  const seconds = Math.trunc(Number(/^-?PT(-?[\d.]+)S$/.exec(text)?.[1] ?? 0));
  const [hours, minutes, rest] = WORDS[document.documentElement.lang.slice(0, 2)] ?? WORDS.en;
  const parts = [[Math.floor(seconds / 3600), hours], [Math.floor((seconds % 3600) / 60), minutes], [seconds % 60, rest]];
  return parts.filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit}`).join(" ") || `0${minutes}`;
};

const NUMBERS = new Set(["integer", "decimal", "percent", "money"]);

const currencyOf = (formula, values) => {
  const used = new Set(formula.inputs.map((name) => values[name]?.currency).filter(Boolean));
  return used.size > 1 ? null : [...used][0] ?? formula.currency;
};

const reckoned = (formula, value, values) => {
  if (value === null || value === undefined || !NUMBERS.has(formula.result)) return value ?? null;
  const exact = scaled(value, formula.scale);
  if (formula.result !== "money") return exact;
  const currency = currencyOf(formula, values);
  return currency === null ? null : { amount: exact, currency };
};

/** The values of formulas over a record's values, each after those it looks at. */
export const computed = (formulas, values, env) => {
  const found = {};
  for (const [name, formula] of Object.entries(formulas)) {
    const given = { ...values, ...found };
    found[name] = reckoned(formula, evaluate(formula.ast, given, { ...env, types: formula.types }), given);
  }
  return found;
};

/** A value with the decimals that its place shows. */
export const settled = (one, value) => {
  if (value === null || value === undefined || !NUMBERS.has(one.result)) return value ?? null;
  return one.result === "money" ? { ...value, amount: scaled(value.amount, one.scale) } : scaled(value, one.scale);
};

/** A computed value in the words of its place in a list. */
export const shown = (formula, value, zone) => {
  if (value === null) return "";
  const write = {
    money: () => money(value),
    percent: () => percent(value),
    integer: () => grouped(value),
    decimal: () => grouped(value),
    boolean: () => formula.words[value ? 1 : 0],
    datetime: () => moment(value, zone),
    duration: () => span(value),
  }[formula.result];
  return write ? write() : formula.options?.[value] ?? String(value);
};

/** Shows a value in its output; says nothing twice to a screen reader. */
export const put = (output, text) => {
  if (output && output.textContent !== text) output.textContent = text;
};
