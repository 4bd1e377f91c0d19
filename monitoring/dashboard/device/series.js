/** What a device has measured, in memory: sorted by time, each time once, and bounded. Pure. */

import { measurements } from "../live/merge.js";

/** Samples kept of one metric: an hour at five a second, and some. */
const CAPACITY = 20_000;

/**
 * The first index whose time is not before `time`.
 * @param {number[]} times ascending
 * @param {number} time
 */
export function lowerBound(times, time) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** One metric. The oldest samples make room once there are too many. */
export class Series {
  /** @type {number[]} epoch milliseconds, ascending */
  times = [];
  /** @type {number[]} */
  values = [];
  /** Whether every value was a yes or a no; they are kept as 1 and 0. */
  binary = true;

  /** @param {number} [capacity] */
  constructor(capacity = CAPACITY) {
    this.capacity = capacity;
  }

  get newest() {
    return this.times.at(-1) ?? -Infinity;
  }

  /**
   * A sample at a time that is already there replaces it: readings arrive over REST and live, in any order.
   * @param {number} time
   * @param {number | boolean} value
   */
  add(time, value) {
    if (typeof value !== "boolean") this.binary = false;
    const at = time > this.newest ? this.times.length : lowerBound(this.times, time);
    const known = this.times[at] === time ? 1 : 0;
    this.times.splice(at, known, time);
    this.values.splice(at, known, Number(value));
    if (this.times.length > this.capacity * 1.1) {
      const surplus = this.times.length - this.capacity;
      this.times.splice(0, surplus);
      this.values.splice(0, surplus);
    }
  }

  /**
   * The samples of a span, both ends included.
   * @param {number} from epoch milliseconds
   * @param {number} to
   */
  between(from, to) {
    const start = lowerBound(this.times, from);
    const end = lowerBound(this.times, to + 1);
    return { times: this.times.slice(start, end), values: this.values.slice(start, end) };
  }
}

/** Every metric of one device that can be drawn: numbers, and booleans as steps. */
export class Recording {
  /** @type {Map<string, Series>} */
  series = new Map();

  get newest() {
    return Math.max(-Infinity, ...[...this.series.values()].map((series) => series.newest));
  }

  /** The metrics' names: numbers first, each kind by name. */
  names() {
    const rank = (/** @type {string} */ name) => (this.series.get(name)?.binary ? "1" : "0") + name;
    return [...this.series.keys()].sort((one, other) => (rank(one) < rank(other) ? -1 : 1));
  }

  /** @param {import("../live/merge.js").TelemetryItem} item */
  add(item) {
    for (const [name, { value, ts }] of measurements(item)) {
      if (typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))) this.#of(name).add(ts, value);
    }
  }

  /** @param {string} name */
  #of(name) {
    const series = this.series.get(name) ?? new Series();
    this.series.set(name, series);
    return series;
  }
}

/**
 * A silence much longer than the usual pause is a gap: a null between its ends breaks the line there.
 * @template {{times: number[], values: number[], highs?: number[], lows?: number[]}} Samples
 * @param {Samples} samples
 * @param {number} shortest a silence in milliseconds that is never a gap
 * @returns {{times: number[], values: (number | null)[], highs?: (number | null)[], lows?: (number | null)[]}}
 */
export function withGaps(samples, shortest) {
  const { times } = samples;
  const pauses = times.slice(1).map((time, index) => time - times[index]);
  const usual = pauses.toSorted((one, other) => one - other)[pauses.length >> 1] ?? 0;
  const gap = Math.max(shortest, usual * 5);
  const breaks = new Set(pauses.flatMap((pause, index) => (pause > gap ? [index + 1] : [])));
  if (breaks.size === 0) return samples;
  /** @param {number[]} column @param {(at: number) => number | null} between */
  const broken = (column, between) => column.flatMap((value, at) => (breaks.has(at) ? [between(at), value] : [value]));
  const columns = Object.entries(samples).map(([name, column]) => [name, broken(column, (at) => (name === "times" ? times[at - 1] + 1 : null))]);
  return /** @type {any} */ (Object.fromEntries(columns));
}
