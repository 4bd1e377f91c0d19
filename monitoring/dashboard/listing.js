/** A list of the REST interface, read page by page and kept while a person looks at it. */

import { batch, signal } from "./view.js";

/**
 * @template Item
 * @param {import("./rest.js").Api} api
 * @param {string} path
 * @param {{query?: Record<string, string>, page?: number, whole?: boolean}} [options] `page` is how many items one page has;
 *     of a `whole` list every page is read
 */
export function createListing(api, path, { query = {}, page: size = 100, whole = false } = {}) {
  const items = signal(/** @type {Item[]} */ ([]));
  const next = signal(/** @type {string | null} */ (null));
  const phase = signal(/** @type {"empty" | "ready"} */ ("empty"));
  const reading = signal(false);
  const error = signal(/** @type {Error | null} */ (null));
  let generation = 0;
  let again = false;

  /**
   * One reading at a time; what it finds is dropped if the list was cleared meanwhile.
   * @param {() => Promise<{items: Item[], next: string | null}>} read
   */
  async function run(read) {
    const started = generation;
    reading.value = true;
    error.value = null;
    try {
      const found = await read();
      if (started !== generation) return;
      batch(() => {
        items.value = found.items;
        next.value = found.next;
        phase.value = "ready";
      });
    } catch (failure) {
      if (started === generation) error.value = /** @type {Error} */ (failure);
    } finally {
      if (started === generation) reading.value = false;
    }
  }

  async function readAnew() {
    const wanted = whole ? Infinity : Math.max(1, items.peek().length);
    /** @type {Item[]} */
    const found = [];
    /** @type {string | null} */
    let cursor = null;
    do {
      const page = await api.get(path, { ...query, limit: size, cursor });
      found.push(...page.items);
      cursor = page.next;
    } while (cursor && found.length < wanted);
    return { items: found, next: cursor };
  }

  async function readNext() {
    const page = await api.get(path, { ...query, limit: size, cursor: next.peek() });
    return { items: [...items.peek(), ...page.items], next: page.next };
  }

  /** @param {() => Promise<{items: Item[], next: string | null}>} read */
  async function runAndCatchUp(read) {
    await run(read);
    while (again && !reading.peek()) {
      again = false;
      await run(readAnew);
    }
  }

  return {
    items,
    next,
    phase,
    reading,
    error,

    /**
     * Reads the list anew, as far as it was read before; what is shown stays until the answer is there. Asked for while
     * a reading is under way, it reads once more after that: the answer on its way may be too old.
     */
    async load() {
      if (reading.peek()) again = true;
      else await runAndCatchUp(readAnew);
    },

    /** Reads the next page. */
    async more() {
      if (!reading.peek() && next.peek() !== null) await runAndCatchUp(readNext);
    },

    clear() {
      generation += 1;
      again = false;
      batch(() => {
        items.value = [];
        next.value = null;
        phase.value = "empty";
        reading.value = false;
        error.value = null;
      });
    },
  };
}

/**
 * @template Item
 * @typedef {object} Listing
 * @property {import("./view.js").Signal<Item[]>} items
 * @property {import("./view.js").Signal<string | null>} next
 * @property {import("./view.js").Signal<"empty" | "ready">} phase
 * @property {import("./view.js").Signal<boolean>} reading
 * @property {import("./view.js").Signal<Error | null>} error
 * @property {() => Promise<void>} load
 * @property {() => Promise<void>} more
 * @property {() => void} clear
 */
