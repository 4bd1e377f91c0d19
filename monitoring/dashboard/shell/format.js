/** Times, numbers and names as people read them: pure, the caller brings the time. */

/** @typedef {import("../live/merge.js").Value} Value */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How far a device's clock may run ahead of this machine's before it is worth a word. */
const AHEAD = MINUTE;

/**
 * A length of time in its largest fitting unit: `12 s`, `4 min`, `3 h`, `9 d`.
 * @param {number} ms
 */
export function duration(ms) {
  if (ms < MINUTE) return `${Math.max(0, Math.floor(ms / SECOND))} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)} h`;
  return `${Math.floor(ms / DAY)} d`;
}

/**
 * How long ago `then` was. A device's clock may run ahead, which is said rather than shown as a time to come.
 * @param {number} then epoch milliseconds
 * @param {number} now epoch milliseconds
 */
export function ago(then, now) {
  const past = now - then;
  if (past < -AHEAD) return "clock ahead";
  if (past < 2 * SECOND) return "now";
  return `${duration(past)} ago`;
}

/**
 * A measured value, with as many decimals as say something for its size, three at most.
 * @param {Value} value
 * @param {number} [decimals] shown even where they are zeros, so that a figure that changes keeps its width
 */
export function reading(value, decimals) {
  if (typeof value !== "number") return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e9 || size < 1e-3)) return value.toExponential(2);
  const most = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3;
  return decimals === undefined ? String(Number(value.toFixed(most))) : value.toFixed(Math.min(most, decimals));
}

/** How many values tell how a metric is written. */
const TELLING = 60;

/**
 * The decimals that the newest of these values come with, three at most.
 * @param {number[]} values
 */
export function decimalsOf(values) {
  return values.slice(-TELLING).reduce((most, value) => Math.max(most, String(Number(value.toFixed(3))).split(".")[1]?.length ?? 0), 0);
}

/**
 * How many a second: one decimal while that says something.
 * @param {number} perSecond
 */
export function rate(perSecond) {
  return perSecond === 0 || perSecond >= 9.95 ? String(Math.round(perSecond)) : perSecond.toFixed(1);
}

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/**
 * A size in its fitting unit, in powers of a thousand: `512 B`, `1.4 MB`, `38 MB`.
 * @param {number} size in bytes
 */
export function bytes(size) {
  let unit = 0;
  while (size >= 999.5 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit > 0 && size < 9.95 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
}

/** @param {number | string} time epoch milliseconds or RFC 3339 */
export function moment(time) {
  return new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

/** A moment of this place as `<input type="datetime-local">` takes it. @param {number} time epoch milliseconds */
export function forInput(time) {
  const here = new Date(time - new Date(time).getTimezoneOffset() * MINUTE);
  return here.toISOString().slice(0, 16);
}

/** @param {number} time epoch milliseconds */
export function clock(time) {
  return new Date(time).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
}

const names = new Intl.Collator(undefined, { numeric: true });

/**
 * The order in which people look for names: pump 2 before pump 10.
 * @param {string} one
 * @param {string} other
 */
export function byName(one, other) {
  return names.compare(one, other);
}
