// What the inputs of single field kinds hold, as expressions take it; a number as plain decimal text.
export const plainNumber = (text) => {
  const plain = text.normalize("NFKC").replace(/[,\s¥$€£]/g, "");
  return /^-?\d+(\.\d+)?$/.test(plain) ? plain : null;
};

// A percentage as the share it is: the point two places to the left, digit by digit, so that nothing is rounded.
export const share = (text) => {
  const plain = plainNumber(text.replace(/[%％]/g, ""));
  if (plain === null) return null;
  const [whole, rest = ""] = plain.replace("-", "").split(".");
  const digits = whole.padStart(3, "0");
  return `${plain.startsWith("-") ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}${rest}`;
};

const SIZES = { d: 86400, day: 86400, 天: 86400, 日: 86400, h: 3600, hr: 3600, hour: 3600, 小时: 3600, 时: 3600, m: 60, min: 60, minute: 60, 分: 60, 分钟: 60, s: 1, sec: 1, second: 1, 秒: 1, 秒钟: 1 };
const UNITS = { seconds: 1, minutes: 60, hours: 3600 };

// A length of time as people write it → `PT5400S`; null for anything else. The server reads more forms than this.
export const duration = (text, unit) => {
  const plain = text.normalize("NFKC").trim().toLowerCase();
  if (/^\d+(\.\d+)?$/.test(plain)) return `PT${Math.round(Number(plain) * UNITS[unit])}S`;
  const clock = /^(\d+):([0-5]?\d)(?::([0-5]?\d))?$/.exec(plain);
  if (clock) return `PT${Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3] ?? 0)}S`;
  const parts = [...plain.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+|[\u4e00-\u9fff]+)\s*/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join("") !== plain) return null;
  let total = 0;
  for (const [, count, name] of parts) {
    const size = SIZES[name] ?? SIZES[name.replace(/s$/, "")];
    if (!size) return null;
    total += Number(count) * size;
  }
  return `PT${Math.round(total)}S`;
};

const answer = (form, name) => {
  const quoted = `[name="${CSS.escape(name)}"]`;
  const held = form.querySelector(`input[type="checkbox"]${quoted}`);
  if (held) return held.checked;
  const chosen = form.querySelector(`input[type="radio"]${quoted}:checked, select${quoted}`)?.value ?? "";
  return chosen === "" ? null : chosen === "true";
};

const text = (form, name) => form.elements.namedItem(name)?.value ?? "";
const parsed = (written) => {
  try {
    return written.trim() ? JSON.stringify(JSON.parse(written)) : null;
  } catch {
    return written;
  }
};

// The ticked options; where their order counts, in that of choosing.
const chosen = (form, name) => {
  const boxes = [...form.querySelectorAll(`input[type="checkbox"][name^="${CSS.escape(name)}."]:checked`)].map((box) => box.value);
  const order = form.elements.namedItem(`${name}.order`);
  if (!order?.closest("[data-ordered]")) return boxes;
  return order.value.split(",").filter((each) => boxes.includes(each));
};

// By view: the value of a field from its form.
export const VALUES = {
  boolean: answer,
  percent: (form, name) => share(text(form, name)),
  rating: (form, name) => plainNumber(text(form, name)),
  duration: (form, name) => duration(text(form, name), form.elements.namedItem(name)?.dataset.duration ?? "minutes"),
  multi_choice: chosen,
  checkin: (form, name) => (text(form, name) ? JSON.parse(text(form, name)).at ?? null : null),
  links: (form, name) => JSON.parse(text(form, name) || "[]").map(([id]) => id),
  tags: (form, name) => text(form, name).split(/[、;；\n]/).map((each) => each.trim()).filter(Boolean),
  address: (form, name) => {
    const parts = Object.fromEntries(["province", "city", "district", "street"].map((part) => [part, text(form, `${name}.${part}`)]));
    const line = [parts.province, parts.city === parts.province ? "" : parts.city, parts.district, parts.street].join("");
    const known = Object.fromEntries(Object.entries(parts).map(([part, name]) => [part, name || null]));
    return line ? { text: line, ...known } : null;
  },
  json: (form, name) => parsed(text(form, name)),
};
