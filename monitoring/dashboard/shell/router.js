/** Which page the address names. The address is a fragment, so that deep links need nothing of the server. */

import { signal } from "../view.js";

/**
 * `until` is where the history of a device ends, in epoch milliseconds; null while it goes on with the time.
 * @typedef {{page: "fleet"} | {page: "firmware"} | {page: "device", uid: string, minutes: number, until: number | null} | {page: "lost"}} Route
 */

/** The lengths of history that a device page offers, in minutes. */
export const SPANS = [5, 15, 60];

/**
 * @param {string} fragment as in `location.hash`
 * @returns {Route}
 */
export function parse(fragment) {
  const [path, query] = fragment.replace(/^#/, "").split("?");
  const parts = path.split("/").filter(Boolean);
  if (parts.length === 0 || (parts.length === 1 && parts[0] === "fleet")) return { page: "fleet" };
  if (parts.length === 1 && parts[0] === "firmware") return { page: "firmware" };
  if (parts.length === 2 && parts[0] === "devices") {
    const uid = decode(parts[1]);
    const chosen = new URLSearchParams(query);
    const minutes = Number(chosen.get("minutes"));
    const until = Date.parse(chosen.get("until") ?? "");
    if (uid) return { page: "device", uid, minutes: SPANS.includes(minutes) ? minutes : SPANS[0], until: Number.isNaN(until) ? null : until };
  }
  return { page: "lost" };
}

/** @param {string} part */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

export const FLEET = "#/fleet";
export const FIRMWARE = "#/firmware";

/**
 * @param {string} uid
 * @param {number} [minutes] of history
 * @param {number | null} [until] where it ends, epoch milliseconds; without it goes on with the time
 */
export function deviceHref(uid, minutes, until) {
  const chosen = new URLSearchParams();
  if (minutes) chosen.set("minutes", String(minutes));
  if (until) chosen.set("until", new Date(until).toISOString());
  return `#/devices/${encodeURIComponent(uid)}${chosen.size > 0 ? `?${chosen}` : ""}`;
}

/** The current route, following the address. */
export function createRouter(location = globalThis.location) {
  const route = signal(parse(location.hash));
  addEventListener("hashchange", () => {
    route.value = parse(location.hash);
  });
  return route;
}
