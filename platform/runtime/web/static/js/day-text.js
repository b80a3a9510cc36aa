// Days and times as people write them; what is not understood is null, and the server says so again.
const DAY = 86_400_000;
const WORDS = { 前天: -2, 昨天: -1, 昨日: -1, 今天: 0, 今日: 0, 明天: 1, 明日: 1, 后天: 2, 大后天: 3, yesterday: -1, today: 0, tomorrow: 1 };
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const LATE = /^(下午|晚上|pm)|pm$/;
const two = (number) => String(number).padStart(2, "0");

export const plus = (day, days) => new Date(Date.parse(`${day}T00:00Z`) + days * DAY).toISOString().slice(0, 10);

// The same day of another month, or that month's last one.
export const plusMonths = (day, months) => {
  const [year, month, date] = day.split("-").map(Number);
  const last = new Date(Date.UTC(year, month + months, 0)).getUTCDate();
  return new Date(Date.UTC(year, month - 1 + months, Math.min(date, last))).toISOString().slice(0, 10);
};

export const weekday = (day) => (new Date(`${day}T00:00Z`).getUTCDay() + 6) % 7; // Monday is 0

export const today = (zone) => new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" }).format(new Date());
const clockNow = (zone) => new Intl.DateTimeFormat("sv-SE", { timeZone: zone, timeStyle: "short" }).format(new Date());

const valid = (year, month, date) => {
  const day = `${String(year).padStart(4, "0")}-${two(month)}-${two(date)}`;
  const at = new Date(`${day}T00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(day) ? day : null;
};

const shifted = (now, sign, count, unit) => {
  const by = (sign === "-" ? -1 : 1) * Number(count);
  if (unit === "m" || unit === "月") return plusMonths(now, by);
  return plus(now, by * (unit === "w" || unit === "周" ? 7 : 1));
};

const named = (plain, year) => {
  const english = /^(?:(\d{1,2})\s+)?([a-z]{3})[a-z]*\.?(?:\s+(\d{1,2}))?(?:,?\s+(\d{4}))?$/.exec(plain);
  if (!english || !(english[1] ?? english[3])) return null;
  const month = MONTHS.indexOf(english[2]) + 1;
  return month ? valid(english[4] ?? year, month, english[1] ?? english[3]) : null;
};

// `2026-11-25`, `11/25`, `11月25日`, `25 Nov`, `今天`, `+3`, `-2w` → ISO day.
export const dayOf = (text, now) => {
  const plain = text.normalize("NFKC").trim().toLowerCase();
  if (plain in WORDS) return plus(now, WORDS[plain]);
  const moved = /^([+-])\s*(\d{1,4})\s*([dwm天日周月])?$/.exec(plain);
  if (moved) return shifted(now, moved[1], moved[2], moved[3]);
  const full = /^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?$/.exec(plain) ?? /^(\d{4})(\d{2})(\d{2})$/.exec(plain);
  if (full) return valid(full[1], full[2], full[3]);
  const short = /^(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*[日号]?$/.exec(plain);
  return short ? valid(now.slice(0, 4), short[1], short[2]) : named(plain, now.slice(0, 4));
};

// `8:05`, `805`, `8点半`, `下午3点`, `3:20 pm`, `9` → `HH:MM`, with seconds where they were written.
export const clockOf = (text) => {
  const plain = text.normalize("NFKC").trim().toLowerCase().replace(/[.\s]/g, "");
  const digits = /^(\d{1,2})(\d{2})$/.exec(plain);
  const found = digits ?? /^(?:上午|早上|中午|下午|晚上|am|pm)?(\d{1,2})(?:[:点时](\d{1,2}|半)?分?)?(?::(\d{2}))?(?:am|pm)?$/.exec(plain);
  if (!found) return null;
  let hour = Number(found[1]);
  if (LATE.test(plain) && hour < 12) hour += 12;
  if (plain.includes("am") && hour === 12) hour = 0;
  const minute = found[2] === "半" ? 30 : Number(found[2] ?? 0);
  if (hour > 23 || minute > 59 || Number(found[3] ?? 0) > 59) return null;
  return `${two(hour)}:${two(minute)}${found[3] ? `:${found[3]}` : ""}`;
};

// A day and a time; a day alone gets `clock`. → `2026-11-25 16:00`
export const instantOf = (text, zone, clock) => {
  const plain = text.normalize("NFKC").trim();
  if (["now", "现在"].includes(plain.toLowerCase())) return `${today(zone)} ${clockNow(zone)}`;
  const whole = dayOf(plain, today(zone));
  if (whole) return `${whole} ${clock}`;
  const parts = /^(\S.*?)(?:\s+|(?<=\d)T|(?<=[日天])(?=\S))((?:上午|早上|中午|下午|晚上)?\s*\d{1,2}\s*[:点时].*|(?:上午|下午|晚上)\s*\d+|\d{1,4}\s*(?:am|pm)?)$/i.exec(plain);
  if (!parts) return null;
  const [day, time] = [dayOf(parts[1], today(zone)), clockOf(parts[2])];
  return day && time ? `${day} ${time}` : null;
};
