/** The list of devices, read page by page and kept while a person goes back and forth. */

import { batch, signal } from "../view.js";

const PAGE = 100;

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
 * @property {string[]} tags
 * @property {string} registered_at RFC 3339
 * @property {string} updated_at
 */

/** @param {import("../rest.js").Api} api */
export function createInventory(api) {
  const devices = signal(/** @type {Device[]} */ ([]));
  const next = signal(/** @type {string | null} */ (null));
  const phase = signal(/** @type {"empty" | "ready"} */ ("empty"));
  const reading = signal(false);
  const error = signal(/** @type {Error | null} */ (null));
  let generation = 0;

  /**
   * One reading at a time; what it finds is dropped if the list was cleared meanwhile.
   * @param {() => Promise<{items: Device[], next: string | null}>} read
   */
  async function run(read) {
    if (reading.peek()) return;
    const started = generation;
    reading.value = true;
    error.value = null;
    try {
      const found = await read();
      if (started !== generation) return;
      batch(() => {
        devices.value = found.items;
        next.value = found.next;
        phase.value = "ready";
      });
    } catch (failure) {
      if (started === generation) error.value = /** @type {Error} */ (failure);
    } finally {
      if (started === generation) reading.value = false;
    }
  }

  return {
    devices,
    next,
    phase,
    reading,
    error,

    /** Reads the list anew, as far as it was read before; what is shown stays until the answer is there. */
    load: () =>
      run(async () => {
        const wanted = Math.max(1, devices.peek().length);
        /** @type {Device[]} */
        const items = [];
        /** @type {string | null} */
        let cursor = null;
        do {
          const page = await api.get("/devices", { limit: PAGE, cursor });
          items.push(...page.items);
          cursor = page.next;
        } while (cursor && items.length < wanted);
        return { items, next: cursor };
      }),

    /** Reads the next page. */
    more: () =>
      run(async () => {
        const page = await api.get("/devices", { limit: PAGE, cursor: next.peek() });
        return { items: [...devices.peek(), ...page.items], next: page.next };
      }),

    clear() {
      generation += 1;
      batch(() => {
        devices.value = [];
        next.value = null;
        phase.value = "empty";
        reading.value = false;
        error.value = null;
      });
    },
  };
}

/** @typedef {ReturnType<typeof createInventory>} Inventory */
