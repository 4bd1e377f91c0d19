/** The newest state of things that carry a version, by their key: releases, alerts, actions and their like. */

import { signal } from "../view.js";

/**
 * @template {{version: number}} Item
 * @param {(item: any) => string | number | undefined} keyOf undefined for what does not belong here
 */
export function createCollection(keyOf) {
  const items = signal(/** @type {ReadonlyMap<string | number, Item>} */ (new Map()));

  return {
    items,

    /** Keeps of every item the one with the greatest version. @param {Item[]} news in any order, more than once */
    take(news) {
      const held = new Map(items.peek());
      let changed = false;
      for (const item of news) {
        const key = keyOf(item);
        if (key === undefined || (held.get(key)?.version ?? -Infinity) >= item.version) continue;
        held.set(key, item);
        changed = true;
      }
      if (changed) items.value = held;
    },

    clear() {
      items.value = new Map();
    },
  };
}

/**
 * @template {{version: number}} Item
 * @typedef {object} Collection
 * @property {import("../view.js").Signal<ReadonlyMap<string | number, Item>>} items
 * @property {(news: Item[]) => void} take
 * @property {() => void} clear
 */
