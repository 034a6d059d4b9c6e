/* Exact decimals and how they are written. Numbers come from the server as strings and are kept as
   BigInt hundred-millionths ("units"), so that position + cash = equity to the last digit here too.
   The writing follows bengi/numerals.py; the browser tests compare the two. */

const PLACES = 8;
const ONE = 10n ** BigInt(PLACES);
const MINOR = { JPY: 0, KRW: 0, KWD: 3 };
const MINUS = "\u2212";

/* Points and commas as the reader wants them (bengi/writing.py), named on <html>. */
const { thousands = ",", point = ".", groups = "3" } = document.documentElement.dataset;
const [first, later = first] = groups.split(" ").map(Number);
const APART = new RegExp(`\\B(?=(?:\\d{${later}})*\\d{${first}}$)`, "g");
const apart = (whole) => whole.replace(APART, thousands);

export const minorPlaces = (currency) => MINOR[currency] ?? 2;

/** Read a decimal string; null when it is not one. */
export function units(text) {
  const match = /^(-?)(\d+)(?:\.(\d{1,8}))?$/.exec(text ?? "");
  if (!match) return null;
  const value = BigInt(match[2]) * ONE + BigInt((match[3] ?? "").padEnd(PLACES, "0"));
  return match[1] ? -value : value;
}

/** Write units as the plain decimal string that the server reads. */
export function plain(value) {
  const size = value < 0n ? -value : value;
  const rest = String(size % ONE).padStart(PLACES, "0").replace(/0+$/, "");
  return `${value < 0n ? "-" : ""}${size / ONE}${rest ? `.${rest}` : ""}`;
}

/** Write units into a field: where a point is the reader's mark for thousands, 1.234 says by one
    more place that it is none (bengi/typed.py). */
export function inField(value) {
  const text = plain(value);
  return isAmbiguous(text) ? `${text}0` : text;
}

/** Read what stands in a field: null too where its point may be the reader's mark for thousands. */
export const ofField = (text) => (isAmbiguous(text) ? null : units(text));

const isAmbiguous = (text) => thousands === "." && /^[1-9]\d{0,2}\.\d{3}$/.test(text);

/** Divide and round half to even: the one rounding rule. */
function divide(value, by) {
  const negative = value < 0n !== by < 0n;
  const top = value < 0n ? -value : value;
  const under = by < 0n ? -by : by;
  let quotient = top / under;
  const twice = (top % under) * 2n;
  if (twice > under || (twice === under && quotient % 2n === 1n)) quotient += 1n;
  return negative ? -quotient : quotient;
}

const step = (places) => 10n ** BigInt(PLACES - places);

/** Multiply and divide units, rounded once, to some places. */
export const product = (left, right, places) => divide(left * right, ONE * step(places)) * step(places);
export const quotient = (left, right, places) => divide(left * ONE, right * step(places)) * step(places);

export const over = (left, right) => (right === 0n ? null : divide(left * ONE, right));
export const percentOf = (part, whole) => (whole === 0n ? null : divide(part * 100n * ONE, whole));

/** Round units to some places; they stay units. */
const rounded = (value, places) => divide(value, step(places)) * step(places);

/** Largest multiple of step that is not above value. */
export const floored = (value, step) => (value / step) * step;

export function fixed(value, places) {
  const scaled = divide(value, 10n ** BigInt(PLACES - places));
  const digits = String(scaled < 0n ? -scaled : scaled).padStart(places + 1, "0");
  const whole = apart(digits.slice(0, digits.length - places));
  const rest = places ? point + digits.slice(-places) : "";
  return `${scaled < 0n ? MINUS : ""}${whole}${rest}`;
}

export function signed(value, places) {
  const text = fixed(value, places);
  return direction(value, places) === "up" ? `+${text}` : text;
}

export const percent = (value, places = 2) => `${signed(value, places)}%`;

export function quantity(value) {
  const [whole, rest] = plain(value < 0n ? -value : value).split(".");
  const text = apart(whole) + (rest ? point + rest : "");
  return value < 0n ? MINUS + text : text;
}

const SCALES = [[12n, "T"], [9n, "B"], [6n, "M"], [3n, "K"]];

export function compact(value) {
  const size = value < 0n ? -value : value;
  for (const [power, letter] of SCALES) {
    if (size < 10n ** power * ONE) continue;
    const scaled = divide(value, 10n ** power);
    const places = size >= 100n * 10n ** power * ONE ? 0 : 1;
    return `${fixed(scaled, places)} ${letter}`;
  }
  return quantity(rounded(value, 0));
}

export function age(seconds) {
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1).replace(".", point)} s`;
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(whole / 3600);
  if (minutes < 60) return `${minutes} min`;
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d`;
}

export function direction(value, places = PLACES) {
  const left = rounded(value, places);
  return left > 0n ? "up" : left < 0n ? "down" : "flat";
}
