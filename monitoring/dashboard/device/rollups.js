/** The longer history of a device: what the platform has summed up, at the resolution that fits, or that was asked for. */

import { useEffect, useSignal } from "../view.js";
import { useApp } from "../shell/context.js";
import { lowerBound } from "./series.js";

/** Points of one chart: more than its pixels tell nothing. */
const POINTS = 600;
/** History that goes on with the time is read again this often, and no more often than a bucket ends. */
const LOOK_AGAIN_MS = 15_000;

/** One metric, summed up: for each bucket its mean between its least and its greatest. */
export class Rollup {
  binary = false;

  /** @param {{ts: number[], mean: (number | null)[], min: (number | null)[], max: (number | null)[]}} columns @param {number | null} bucketS */
  constructor({ ts, mean, min, max }, bucketS) {
    const kept = ts.map((_, index) => index).filter((index) => mean[index] !== null);
    this.times = kept.map((index) => ts[index]);
    this.values = kept.map((index) => /** @type {number} */ (mean[index]));
    this.lows = kept.map((index) => /** @type {number} */ (min[index]));
    this.highs = kept.map((index) => /** @type {number} */ (max[index]));
    /** A pause of more than a bucket is a gap. */
    this.gap = bucketS === null ? 0 : bucketS * 1_500;
  }

  get newest() {
    return this.times.at(-1) ?? -Infinity;
  }

  /** @param {number} from epoch milliseconds @param {number} to */
  between(from, to) {
    const start = lowerBound(this.times, from);
    const end = lowerBound(this.times, to + 1);
    return { times: this.times.slice(start, end), values: this.values.slice(start, end), lows: this.lows.slice(start, end), highs: this.highs.slice(start, end) };
  }
}

/**
 * The metrics that can be drawn, by name.
 * @param {{bucket_s: number | null, series: {metric: string, ts: number[], mean: any[], min: any[], max: any[]}[]}} answer of `/telemetry/series`
 * @returns {Map<string, Rollup>}
 */
export function rollupsOf({ bucket_s: bucketS, series }) {
  return new Map(
    series
      .map((/** @type {any} */ columns) => /** @type {[string, Rollup]} */ ([columns.metric, new Rollup(columns, bucketS)]))
      .filter(([, rollup]) => rollup.times.length > 0)
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  );
}

/**
 * @param {string} uid
 * @param {import("./address.js").ChosenTime} chosen
 */
export function useRollups(uid, { minutes, until, resolution }) {
  const { api } = useApp();
  const found = useSignal(/** @type {{series: Map<string, Rollup>, resolution: string, bucketS: number | null, to: number} | null} */ (null));
  const error = useSignal(/** @type {Error | null} */ (null));
  const attempt = useSignal(0);

  useEffect(() => {
    const abort = new AbortController();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;

    async function read() {
      const to = until ?? Date.now();
      const span = { from: new Date(to - minutes * 60_000).toISOString(), to: new Date(to).toISOString() };
      try {
        const answer = await api.get("/telemetry/series", { device_uid: uid, ...span, resolution, points: POINTS }, abort.signal);
        error.value = null;
        found.value = { series: rollupsOf(answer), resolution: answer.resolution, bucketS: answer.bucket_s, to };
      } catch (failure) {
        if (abort.signal.aborted) return;
        error.value = /** @type {Error} */ (failure);
      }
      if (until === null) timer = setTimeout(read, Math.max(LOOK_AGAIN_MS, (found.peek()?.bucketS ?? 0) * 1000));
    }

    found.value = null;
    read();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [uid, minutes, until, resolution, attempt.value]);

  return { found: found.value, error: error.value, retry: () => (attempt.value += 1) };
}
