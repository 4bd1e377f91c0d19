/** The organization's firmware, all of it: there are as many as releases, not as many as devices. */

import { createListing } from "../listing.js";

/**
 * @typedef {object} Firmware as `GET /firmware` answers
 * @property {number} id
 * @property {string} name
 * @property {string} version
 * @property {string} filename
 * @property {string[]} hardware_versions none: it fits every device
 * @property {number} size in bytes
 * @property {string} sha256 in hex
 * @property {"uploaded" | "approved" | "withdrawn"} state
 * @property {string} uploaded_by the id of a person
 * @property {string} uploaded_at RFC 3339
 * @property {string | null} approved_by
 * @property {string | null} approved_at
 * @property {string | null} withdrawn_at
 * @property {string | null} withdrawn_because
 */

/** @param {import("../rest.js").Api} api */
export function createLibrary(api) {
  /** @type {import("../listing.js").Listing<Firmware>} */
  const listing = createListing(api, "/firmware", { page: 500, whole: true });
  return listing;
}

/** The newest upload first. @param {Firmware[]} firmware as the platform lists it, the oldest first */
export const newestFirst = (firmware) => firmware.toReversed();

const NUMBERED = [String.raw`\d+(?:\.\d+)+`, String.raw`\d+`].map(
  (number) => new RegExp(String.raw`^(.+?)[-_ ]v?(${number}(?:[-+.][A-Za-z0-9.+-]*)?)$`),
);

/**
 * The name and version that a file's name suggests: `pump-firmware-2.0.1.bin` is pump-firmware, 2.0.1. A number with
 * dots is a version before one without: `board-2024-1.3.bin` is board-2024, 1.3.
 * @param {string} filename
 */
export function suggested(filename) {
  const stem = filename.replace(/(\.tar)?\.[A-Za-z][A-Za-z0-9]*$/, "");
  const found = NUMBERED.map((version) => version.exec(stem)).find(Boolean);
  return found ? { name: found[1], version: found[2] } : { name: stem, version: "" };
}

/** @typedef {ReturnType<typeof createLibrary>} Library */
