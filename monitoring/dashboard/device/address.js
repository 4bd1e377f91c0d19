/** The address of a device's page: which device, and which time its charts show. */

import { href } from "../shell/router.js";

/** The lengths of history that a device page offers, in minutes. */
export const SPANS = [5, 15, 60];

/**
 * @param {string} uid
 * @param {number} [minutes] of history
 * @param {number | null} [until] where it ends, epoch milliseconds; without it goes on with the time
 */
export function deviceHref(uid, minutes, until) {
  return href("devices", [uid], { minutes, until: until ? new Date(until).toISOString() : null });
}

/**
 * `until` is where the history ends, in epoch milliseconds; null while it goes on with the time.
 * @param {Record<string, string>} query
 * @returns {{minutes: number, until: number | null}}
 */
export function chosenTime(query) {
  const minutes = Number(query.minutes);
  const until = Date.parse(query.until ?? "");
  return { minutes: SPANS.includes(minutes) ? minutes : SPANS[0], until: Number.isNaN(until) ? null : until };
}
