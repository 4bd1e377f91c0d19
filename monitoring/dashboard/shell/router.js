/** Which page the address names. The address is a fragment, so that deep links need nothing of the server. */

import { signal } from "../view.js";

/**
 * `#/devices/pump-1?minutes=15` is page `devices`, parts `["pump-1"]`, query `{minutes: "15"}`.
 * @typedef {{page: string, parts: string[], query: Record<string, string>}} Route
 */

/** The page that opens when the address names none. */
const FIRST = "overview";

/**
 * @param {string} fragment as in `location.hash`
 * @returns {Route}
 */
export function parse(fragment) {
  const [path, query] = fragment.replace(/^#/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(decode);
  if (parts.includes(null)) return { page: "", parts: [], query: {} };
  const [page = FIRST, ...rest] = /** @type {string[]} */ (parts);
  return { page, parts: rest, query: Object.fromEntries(new URLSearchParams(query)) };
}

/** @param {string} part */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/**
 * The address of a page.
 * @param {string} page
 * @param {(string | number)[]} [parts]
 * @param {Record<string, string | number | null | undefined>} [query] null, undefined and "" are left out
 */
export function href(page, parts = [], query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const path = [page, ...parts].map(encodeURIComponent).join("/");
  return `#/${path}${given.length > 0 ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : ""}`;
}

/** Goes to an address in place of the present one, which going back then skips. @param {string} address as `href` makes it */
export function replace(address) {
  if (location.hash !== address) location.replace(address);
}

/** The current route, following the address. */
export function createRouter(location = globalThis.location) {
  const route = signal(parse(location.hash));
  addEventListener("hashchange", () => {
    route.value = parse(location.hash);
  });
  return route;
}
