/** The list of devices, kept while a person goes back and forth. */

import { createListing } from "../listing.js";

/**
 * @typedef {object} Device as `GET /devices` answers
 * @property {number} id
 * @property {string} device_uid
 * @property {string | null} name
 * @property {string | null} device_type
 * @property {string | null} serial_number
 * @property {string | null} hardware_version
 * @property {string | null} firmware_version
 * @property {string} lifecycle
 * @property {string} status
 * @property {boolean} updates_enabled
 * @property {Record<string, unknown>} attributes
 * @property {Record<string, unknown>} [reported_attributes] what the device says of itself
 * @property {string[]} tags
 * @property {string} registered_at RFC 3339
 * @property {string} updated_at
 */

/** @param {import("../rest.js").Api} api */
export function createInventory(api) {
  /** @type {import("../listing.js").Listing<Device>} */
  const { items: devices, ...list } = createListing(api, "/devices");
  return { devices, ...list };
}

/** @typedef {ReturnType<typeof createInventory>} Inventory */
