/**
 * The expression language in the browser: the same checked tree, the same results as on the server.
 *
 * Plain interpretation of data: nothing is compiled, so it runs under a strict Content-Security-Policy.
 * Values inside: text string, number BigInt of millionths, boolean, Day, Moment, Span, array, record, null.
 */

const MILLION = 1000000n;
const LIMIT = 10n ** 24n; // 10^18 in millionths
const FIRST_INSTANT = -62135510400000;
const LAST_INSTANT = 253402214400000;
const DURATION_LIMIT = 1e15;
const FIRST_DAY = -719162; // 0001-01-01, in days since 1970-01-01
const LAST_DAY = 2932896; // 9999-12-31
const SPAN = 4000000n;
const MAX_DEPTH = 64;
const STANDING = new Set(["id", "amount"]); // what a bare value stands for: a link's id, money's amount

class Day { constructor(n) { this.n = n; } }
class Moment { constructor(n) { this.n = n; } }
class Span { constructor(n) { this.n = n; } }
/** An item of a list of records: the raw record and the path its fields are typed under. */
class Item { constructor(raw, prefix) { this.raw = raw; this.prefix = prefix; } }

/**
 * The value of a checked tree for one record.
 *
 * `record` and `context` hold JSON values: numbers as JSON numbers or decimal text, dates, instants and durations as
 * ISO text, links as an id or an object, lists as arrays. `types` says which is which: path → `text`, `number`,
 * `boolean`, `date`, `instant`, `duration`, `list` (of records), `list:text` …; it is `browser_types` of the checked
 * expression. A path without a type is missing. `now` is ISO text or milliseconds, `zone` a zone name, `calendar`
 * `{off: [dates], extra: [dates]}`. The result is JSON again: numbers as plain decimal text.
 */
export function evaluate(node, record, { now = 0, zone = "UTC", context = {}, calendar = {}, types = {} } = {}) {
  const env = { now: typeof now === "number" ? now : Date.parse(now), zone, context, calendar, types };
  return external(run(node, new Item(record, ""), env, 1));
}

/** Runs `[{node, record, env}, …]`; for checking this evaluator against the others. */
export function evaluateAll(cases) {
  return cases.map(({ node, record, env }) => evaluate(node, record, env));
}

function run(node, scope, env, depth) {
  if (depth > MAX_DEPTH) throw new Error("expression too deep");
  if (node === null || typeof node === "boolean" || typeof node === "string") return node;
  if (typeof node === "number") return toNumber(node);
  if (Array.isArray(node)) return node.map((item) => run(item, scope, env, depth + 1));
  const [name] = Object.keys(node);
  const operand = node[name];
  if (name === "var") return variable(operand, scope, env);
  if (LITERALS.has(name) && typeof operand === "string") return LITERALS.get(name)(operand);
  const operator = OPERATORS.get(name);
  if (operator === undefined) throw new Error(`unknown operator ${name}`);
  const args = Array.isArray(operand) ? operand : [operand];
  const at = (index, inner = scope) => run(args[index], inner, env, depth + 1);
  return operator(at, args.length, env, args);
}

// ---------------------------------------------------------------- variables
function variable(path, scope, env) {
  if (path === "") return scope instanceof Item ? scope : scope.value;
  const inContext = path.startsWith("$");
  if (!inContext && !(scope instanceof Item)) return null;
  const full = inContext || scope.prefix === "" ? path : `${scope.prefix}.${path}`;
  if (!Object.hasOwn(env.types, full)) return null;
  return typed(walk(inContext ? env.context : scope.raw, path.split(".")), env.types[full], full);
}

function walk(value, steps) {
  let current = value;
  for (const [index, step] of steps.entries()) {
    if (current === null || current === undefined) return null;
    if (typeof current === "object") current = Object.hasOwn(current, step) ? current[step] : null;
    else if (index !== steps.length - 1 || !STANDING.has(step)) return null;
  }
  return current === undefined ? null : current;
}

function typed(raw, type, path) {
  if (type === "list") return Array.isArray(raw) ? raw.map((item) => new Item(item, path)) : [];
  if (type.startsWith("list:")) return Array.isArray(raw) ? raw.map((item) => typed(item, type.slice(5), path)) : [];
  if (raw === null || raw === undefined) return null;
  if (type === "text") return typeof raw === "string" ? raw : null;
  if (type === "boolean") return typeof raw === "boolean" ? raw : null;
  if (type === "number") return typeof raw === "boolean" ? null : toNumber(raw);
  const read = LITERALS.get(type);
  return read !== undefined && typeof raw === "string" ? read(raw) : null;
}

// ---------------------------------------------------------------- numbers
function toNumber(raw) {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(String(raw));
  if (match === null) return null;
  const [, sign, whole, fraction = "", exponent = "0"] = match;
  const shift = 6 - fraction.length + Number(exponent);
  if (Math.abs(shift) > 400) return shift < 0 ? 0n : null;
  const digits = BigInt(whole + fraction);
  const value = shift >= 0 ? digits * 10n ** BigInt(shift) : divideEven(digits, 10n ** BigInt(-shift));
  return fit(sign ? -value : value);
}

function fit(value) {
  return value > -LIMIT && value < LIMIT ? value : null;
}

function divideEven(dividend, divisor) {
  const negative = dividend < 0n !== divisor < 0n;
  const top = dividend < 0n ? -dividend : dividend;
  const bottom = divisor < 0n ? -divisor : divisor;
  let quotient = top / bottom;
  const rest = (top % bottom) * 2n;
  if (rest > bottom || (rest === bottom && quotient % 2n === 1n)) quotient += 1n;
  return negative ? -quotient : quotient;
}

function roundTo(value, digits) {
  const places = digits / MILLION;
  if (places >= 6n) return value;
  if (places < -18n) return 0n;
  const step = 10n ** (6n - places);
  return fit(divideEven(value, step) * step);
}

function numberText(value) {
  const digits = (value < 0n ? -value : value).toString().padStart(7, "0");
  const fraction = digits.slice(-6).replace(/0+$/, "");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -6)}${fraction ? `.${fraction}` : ""}`;
}

// ---------------------------------------------------------------- dates
function dayNumber(year, month, date) {
  return Math.round(new Date(0).setUTCFullYear(year, month - 1, date) / 86400000);
}

function parts(day) {
  const date = new Date(day.n * 86400000);
  return [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
}

function parseDay(text) {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (match === null || text.length !== 10) return null;
  const [year, month, date] = match.slice(1).map(Number);
  if (year < 1 || month < 1 || month > 12 || date < 1 || date > daysInMonth(year, month)) return null;
  return new Day(dayNumber(year, month, date));
}

function daysInMonth(year, month) {
  return new Date(new Date(0).setUTCFullYear(year, month, 0)).getUTCDate();
}

function dayWithin(number) {
  return number >= FIRST_DAY && number <= LAST_DAY ? new Day(number) : null;
}

function dayText(day) {
  const [year, month, date] = parts(day);
  return `${String(year).padStart(4, "0")}-${String(month).padStart(2, "0")}-${String(date).padStart(2, "0")}`;
}

const formatters = new Map();

function dayIn(zone, ms) {
  if (!formatters.has(zone)) {
    formatters.set(zone, new Intl.DateTimeFormat("en-US", {
      timeZone: zone, calendar: "gregory", numberingSystem: "latn", year: "numeric", month: "numeric", day: "numeric",
    }));
  }
  const found = new Map(formatters.get(zone).formatToParts(ms).map((part) => [part.type, Number(part.value)]));
  return new Day(dayNumber(found.get("year"), found.get("month"), found.get("day")));
}

function hourIn(zone, ms) {
  const key = `${zone} hour`;
  if (!formatters.has(key)) {
    formatters.set(key, new Intl.DateTimeFormat("en-US", {
      timeZone: zone, numberingSystem: "latn", hour: "2-digit", hourCycle: "h23",
    }));
  }
  return Number(formatters.get(key).formatToParts(ms).find((part) => part.type === "hour").value);
}

function dayOf(value, env) {
  return value instanceof Moment ? dayIn(env.zone, value.n) : value;
}

function moment(ms) {
  return ms >= FIRST_INSTANT && ms <= LAST_INSTANT ? new Moment(ms) : null;
}

function span(ms) {
  return Math.abs(ms) < DURATION_LIMIT ? new Span(ms) : null;
}

function parseMoment(text) {
  const match = /^(.*?[T ]\d{2}:\d{2}(?::\d{2})?)(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})$/.exec(text);
  if (match === null) return null;
  const seconds = Date.parse(match[1] + match[3]);
  return Number.isNaN(seconds) ? null : moment(seconds + Number((match[2] ?? "").slice(0, 3).padEnd(3, "0")));
}

function parseSpan(text) {
  const match = /^(-)?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,3}))?S)?)?$/.exec(text);
  if (match === null) return null;
  const [weeks, days, hours, minutes, seconds] = match.slice(2, 7).map((part) => Number(part ?? 0));
  const total = ((((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
  return span((match[1] ? -1 : 1) * (total + Number((match[7] ?? "").padEnd(3, "0"))));
}

function spanText(ms) {
  const size = Math.abs(ms);
  const rest = size % 1000;
  const fraction = rest ? `.${String(rest).padStart(3, "0")}`.replace(/0+$/, "") : "";
  return `${ms < 0 ? "-" : ""}PT${Math.floor(size / 1000)}${fraction}S`;
}

function startOf(unit, day) {
  const [year, month] = parts(day);
  if (unit === "week") return new Day(day.n - ((((day.n + 3) % 7) + 7) % 7));
  if (unit === "month") return new Day(dayNumber(year, month, 1));
  if (unit === "quarter") return new Day(dayNumber(year, Math.floor((month - 1) / 3) * 3 + 1, 1));
  return unit === "year" ? new Day(dayNumber(year, 1, 1)) : day;
}

function addMonths(day, count) {
  const months = count / MILLION;
  if (months > SPAN || months < -SPAN) return null;
  const [year, month, date] = parts(day);
  const total = year * 12 + month - 1 + Number(months);
  const target = Math.floor(total / 12);
  if (target < 1 || target > 9999) return null;
  const inYear = total - target * 12 + 1;
  return new Day(dayNumber(target, inYear, Math.min(date, daysInMonth(target, inYear))));
}

function part(signs, start, length) {
  const size = BigInt(signs.length);
  const least = (a, b) => (a < b ? a : b);
  const most = (a, b) => (a > b ? a : b);
  const first = least(start < 0n ? most(size + start, 0n) : start, size);
  const stop = least(length < 0n ? size + length : first + length, size);
  return signs.slice(Number(first), Number(most(first, stop))).join("");
}

function addDays(day, count) {
  const days = count / MILLION;
  return days > SPAN || days < -SPAN ? null : dayWithin(day.n + Number(days));
}

function workingDays(start, end, calendar) {
  if (end.n < start.n) return -workingDays(end, start, calendar);
  const until = (day) => {
    const ordinal = day.n - FIRST_DAY + 1;
    return Math.floor(ordinal / 7) * 5 + Math.min(ordinal % 7, 5);
  };
  const [first, last] = [dayText(start), dayText(end)];
  const listed = (days = []) => days.filter((day) => day > first && day <= last).length;
  return until(end) - until(start) + listed(calendar.extra) - listed(calendar.off);
}

// ---------------------------------------------------------------- comparing
function kindOf(value) {
  return typeof value === "object" ? value.constructor : typeof value;
}

/** -1, 0, 1; text by code point: surrogates rank above the other code units. */
function compare(a, b) {
  if (typeof a === "string") return compareText(a, b);
  const [left, right] = typeof a === "object" ? [a.n, b.n] : [a, b];
  return left < right ? -1 : left > right ? 1 : 0;
}

function compareText(a, b) {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const [x, y] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (x !== y) return rank(x) < rank(y) ? -1 : 1;
  }
  return a.length < b.length ? -1 : a.length > b.length ? 1 : 0;
}

function rank(unit) {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function equal(a, b) {
  if (a === null || b === null) return a === b;
  return kindOf(a) === kindOf(b) && compare(a, b) === 0;
}

const CASED = /[A-Z\u00c0-\u024f\u0370-\u052f\u1e00-\u1eff\uff21-\uff3a]/g;

function lower(text) {
  return text.replace(CASED, (char) => {
    const lowered = char.toLowerCase();
    return lowered.length === 1 ? lowered : char;
  });
}

// ---------------------------------------------------------------- operators
function strict(apply) {
  return (at, count, env) => {
    const values = [];
    for (let index = 0; index < count; index += 1) values.push(at(index));
    return values.includes(null) ? null : apply(env, ...values);
  };
}

function condition(apply) {
  const inner = strict(apply);
  return (at, count, env) => inner(at, count, env) === true;
}

function fold(apply) {
  return strict((_env, first, ...rest) => rest.reduce((sum, value) => (sum === null ? null : apply(sum, value)), first));
}

function add(a, b) {
  if (typeof a === "bigint") return fit(a + b);
  return a instanceof Span && b instanceof Span ? span(a.n + b.n) : moment(a.n + b.n);
}

function subtract(_env, a, b) {
  if (b === undefined) return typeof a === "bigint" ? -a : new Span(-a.n);
  if (typeof a === "bigint") return fit(a - b);
  return a instanceof Moment && b instanceof Span ? moment(a.n - b.n) : span(a.n - b.n);
}

function divide(_env, a, b) {
  const [top, bottom] = typeof a === "bigint" ? [a, b] : [BigInt(a.n), BigInt(b.n)];
  return bottom === 0n ? null : fit(divideEven(top * MILLION, bottom));
}

function extreme(sign) {
  return (at, count) => {
    let values = [];
    for (let index = 0; index < count; index += 1) values.push(at(index));
    if (count === 1 && Array.isArray(values[0])) [values] = values;
    if (values.length === 0 || values.includes(null)) return null;
    return values.reduce((best, value) => (compare(value, best) * sign > 0 ? value : best));
  };
}

function choose(at, count) {
  let index = 0;
  for (; index + 1 < count; index += 2) if (at(index) === true) return at(index + 1);
  return index < count ? at(index) : null;
}

function membership(at, _count, env) {
  const [needle, haystack] = [at(0), at(1)];
  if (needle === null || haystack === null) return false;
  if (typeof haystack === "string") return haystack.includes(needle);
  return haystack.some((item) => equal(item instanceof Item ? variable("id", item, env) : item, needle));
}

function quantifier(method, wanted) {
  return (at) => {
    const items = at(0);
    const holds = (item) => at(1, item instanceof Item ? item : { value: item }) === true;
    return items[method](holds) === wanted;
  };
}

function text(value) {
  if (typeof value === "bigint") return numberText(value);
  return value instanceof Day ? dayText(value) : value;
}

const whole = (count) => BigInt(count) * MILLION;

const LITERALS = new Map([
  ["date", parseDay], ["instant", parseMoment], ["duration", parseSpan], ["number", toNumber],
]);

const OPERATORS = new Map([
  ["==", (at) => equal(at(0), at(1))],
  ["!=", (at) => !equal(at(0), at(1))],
  ["<", condition((_env, a, b) => compare(a, b) < 0)],
  ["<=", condition((_env, a, b) => compare(a, b) <= 0)],
  [">", condition((_env, a, b) => compare(a, b) > 0)],
  [">=", condition((_env, a, b) => compare(a, b) >= 0)],
  ["and", (at, count) => { for (let i = 0; i < count; i += 1) if (at(i) !== true) return false; return true; }],
  ["or", (at, count) => { for (let i = 0; i < count; i += 1) if (at(i) === true) return true; return false; }],
  ["!", (at) => at(0) !== true],
  ["if", choose],
  ["in", membership],
  ["+", fold(add)],
  ["-", strict(subtract)],
  ["*", fold((a, b) => fit(divideEven(a * b, MILLION)))],
  ["/", strict(divide)],
  ["%", strict((_env, a, b) => (b === 0n ? null : a % b))],
  ["min", extreme(-1)],
  ["max", extreme(1)],
  ["cat", (at, count) => {
    let joined = "";
    for (let i = 0; i < count; i += 1) joined += text(at(i)) ?? "";
    return joined;
  }],
  ["some", quantifier("some", true)],
  ["all", quantifier("every", true)],
  ["none", quantifier("some", false)],
  ["is_set", (at) => {
    const value = at(0);
    return value !== null && value !== "" && !(Array.isArray(value) && value.length === 0);
  }],
  ["date", strict((env, value) => (typeof value === "string" ? parseDay(value) : dayOf(value, env)))],
  ["today", (_at, _count, env) => dayIn(env.zone, env.now)],
  ["now", (_at, _count, env) => new Moment(env.now)],
  ["add_days", strict((_env, day, count) => addDays(day, count))],
  ["add_months", strict((_env, day, count) => addMonths(day, count))],
  ["days_between", strict((env, a, b) => whole(dayOf(b, env).n - dayOf(a, env).n))],
  ["start_of", strict((env, unit, value) => startOf(unit, dayOf(value, env)))],
  ["hour", strict((env, value) => whole(hourIn(env.zone, value.n)))],
  ["working_days_between", strict((env, a, b) => whole(workingDays(dayOf(a, env), dayOf(b, env), env.calendar)))],
  ["lower", strict((_env, value) => lower(value))],
  ["substr", strict((_env, value, start, length) => part([...value], start / MILLION, length / MILLION))],
  ["contains", condition((_env, value, part) => value.includes(part))],
  ["starts_with", condition((_env, value, prefix) => value.startsWith(prefix))],
  ["first", strict((_env, value) => value[0] ?? null)],
  ["length", strict((_env, value) => whole(Array.isArray(value) ? value.length : [...value].length))],
  ["round", strict((_env, value, digits = 0n) => roundTo(value, digits))],
  ["abs", strict((_env, value) => (value < 0n ? -value : value))],
]);

function external(value) {
  if (typeof value === "bigint") return numberText(value);
  if (value instanceof Day) return dayText(value);
  if (value instanceof Moment) return new Date(value.n).toISOString();
  if (value instanceof Span) return spanText(value.n);
  if (value instanceof Item) return typeof value.raw === "object" && value.raw !== null ? value.raw.id ?? null : value.raw;
  return Array.isArray(value) ? value.map(external) : value;
}
