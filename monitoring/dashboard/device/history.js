/** What a device reported in the past, over REST: the newest minutes first, so that a long span shows at once. */

const WINDOW_MS = 5 * 60_000;
const PAGE = 500;

/**
 * Spans of five minutes at most that cover `from` to `to`, the newest first.
 * @param {number} from epoch milliseconds
 * @param {number} to
 * @returns {{from: number, to: number}[]}
 */
export function windows(from, to) {
  const parts = [];
  for (let end = to; end > from; end -= WINDOW_MS) parts.push({ from: Math.max(from, end - WINDOW_MS), to: end });
  return parts;
}

/**
 * @param {object} wanted
 * @param {import("../rest.js").Api} wanted.api
 * @param {string} wanted.uid
 * @param {number} wanted.from epoch milliseconds
 * @param {number} wanted.to
 * @param {AbortSignal} wanted.signal
 * @returns {AsyncGenerator<import("../live/merge.js").TelemetryItem[]>} pages of samples
 */
export async function* readHistory({ api, uid, from, to, signal }) {
  for (const part of windows(from, to)) {
    const query = { device_uid: uid, from: new Date(part.from).toISOString(), to: new Date(part.to).toISOString(), limit: PAGE };
    yield* api.pages("/telemetry", query, signal);
  }
}
