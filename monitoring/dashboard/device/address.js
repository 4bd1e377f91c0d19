/** The address of a device's page: which device, which side of it, and which time its charts show. */

import { href } from "../shell/router.js";

/** The lengths of history that a device page offers, in minutes; any other comes of a part that was picked in a chart. */
export const SPANS = /** @type {const} */ ([[5, "5 min"], [15, "15 min"], [60, "60 min"], [360, "6 h"], [1_440, "24 h"], [10_080, "7 d"], [43_200, "30 d"]]);
/** A longer history is not asked for. */
const LONGEST = 400 * 1_440;

/** How finely history is read: `auto` leaves it to the platform. */
export const RESOLUTIONS = /** @type {const} */ (["auto", "raw", "minute", "hour"]);

/**
 * `until` is where the history ends, in epoch milliseconds; null while it goes on with the time.
 * @typedef {{minutes: number, until: number | null, resolution: typeof RESOLUTIONS[number]}} ChosenTime
 */

/**
 * @param {string} uid
 * @param {number} [minutes] of history
 * @param {number | null} [until] where it ends, epoch milliseconds; without it goes on with the time
 * @param {string} [resolution]
 */
export function deviceHref(uid, minutes, until, resolution) {
  return href("devices", [uid], { minutes, until: until ? new Date(until).toISOString() : null, resolution: resolution === "auto" ? null : resolution });
}

/** @param {Record<string, string>} query @returns {ChosenTime} */
export function chosenTime(query) {
  const minutes = Number(query.minutes);
  const until = Date.parse(query.until ?? "");
  return {
    minutes: Number.isInteger(minutes) && minutes >= 1 && minutes <= LONGEST ? minutes : SPANS[0][0],
    until: Number.isNaN(until) ? null : until,
    resolution: RESOLUTIONS.find((one) => one === query.resolution) ?? "auto",
  };
}

/** A length of history in words. @param {number} minutes */
export function spanWords(minutes) {
  const named = SPANS.find(([length]) => length === minutes);
  if (named) return minutes <= 60 ? `${minutes} minutes` : minutes < 10_080 ? `${minutes / 60} hours` : `${minutes / 1_440} days`;
  return minutes < 120 ? `${minutes} minutes` : minutes < 2_880 ? `${Math.round(minutes / 6) / 10} hours` : `${Math.round(minutes / 144) / 10} days`;
}
