/** One thing of the REST interface, read while a person looks at it. */

import { batch, signal } from "./view.js";

/**
 * @template T
 * @param {() => Promise<T>} get
 */
export function createResource(get) {
  const value = signal(/** @type {T | null} */ (null));
  const error = signal(/** @type {Error | null} */ (null));
  let reading = false;
  let again = false;

  return {
    value,
    error,

    /**
     * Reads it anew; what was read stays until the answer is there. Asked for while a reading is under way, it reads once
     * more after that: the answer on its way may be too old.
     */
    async load() {
      again = true;
      if (reading) return;
      reading = true;
      while (again) {
        again = false;
        try {
          const found = await get();
          batch(() => {
            value.value = found;
            error.value = null;
          });
        } catch (failure) {
          error.value = /** @type {Error} */ (failure);
        }
      }
      reading = false;
    },
  };
}

/**
 * @template T
 * @typedef {{value: import("./view.js").Signal<T | null>, error: import("./view.js").Signal<Error | null>, load: () => Promise<void>}} Resource
 */
