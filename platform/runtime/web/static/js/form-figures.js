// Roll-ups over the lines of a form as they stand there: counts, sums, least and most, exact to the last digit.
const NUMBER = /^-?\d+(\.\d+)?$/;

// Decimal texts as whole numbers of one scale, so that cents never drift.
const wholes = (texts) => {
  const scale = Math.max(0, ...texts.map((text) => (text.split(".")[1] ?? "").length));
  return [scale, texts.map((text) => {
    const [whole, rest = ""] = text.split(".");
    return BigInt(whole + rest.padEnd(scale, "0"));
  })];
};

const written = (whole, scale) => {
  const digits = (whole < 0n ? -whole : whole).toString().padStart(scale + 1, "0");
  const cut = digits.length - scale;
  return `${whole < 0n ? "-" : ""}${digits.slice(0, cut)}${scale ? `.${digits.slice(cut)}` : ""}`;
};

const PICKS = {
  sum: (one, other) => one + other,
  min: (one, other) => (other < one ? other : one),
  max: (one, other) => (other > one ? other : one),
};

// Days and moments as texts stand in their order; numbers are counted.
const reduced = (aggregate, values) => {
  if (!values.every((value) => NUMBER.test(value))) return values.reduce(PICKS[aggregate]);
  const [scale, numbers] = wholes(values);
  return written(numbers.reduce(PICKS[aggregate]), scale);
};

const nothing = ({ aggregate, result, currency }) => {
  if (aggregate !== "sum") return null;
  return result === "money" ? { amount: "0", currency } : "0";
};

// Money of several currencies is no figure.
const ofMoney = (aggregate, values) => {
  const currencies = [...new Set(values.map((value) => value.currency))];
  return currencies.length > 1 ? null : { amount: reduced(aggregate, values.map((value) => value.amount)), currency: currencies[0] };
};

/** The value of one roll-up over the rows of its lines. */
export const figure = (one, rows) => {
  if (one.aggregate === "count") return String(rows.length);
  const values = rows.map((row) => row[one.of]).filter((value) => value !== null && value !== undefined && value !== "");
  if (values.length === 0) return nothing(one);
  return one.result === "money" ? ofMoney(one.aggregate, values) : reduced(one.aggregate, values);
};
