/** The newest state of things that carry a version, by their key: releases, alerts, actions and their like. */

import { signal } from "../view.js";

/** More than this are kept only of what has not ended. */
const MOST = 20_000;
const ENDED = new Set(["cleared", "completed", "failed", "cancelled", "timed_out", "rolled_back"]);

/**
 * @template {{version: number, state?: string}} Item
 * @param {(item: any) => string | number | undefined} keyOf undefined for what does not belong here
 */
export function createCollection(keyOf) {
  const items = signal(/** @type {ReadonlyMap<string | number, Item>} */ (new Map()));
  /** What has been named since `note`. @type {Set<string | number> | null} */
  let named = null;

  return {
    items,

    /** Keeps of every item the one with the greatest version. @param {Item[]} news in any order, more than once */
    take(news) {
      const held = new Map(items.peek());
      let changed = false;
      for (const item of news) {
        const key = keyOf(item);
        if (key === undefined) continue;
        named?.add(key);
        if ((held.get(key)?.version ?? -Infinity) >= item.version) continue;
        held.set(key, item);
        changed = true;
      }
      if (!changed) return;
      forgetEnded(held);
      items.value = held;
    },

    /** Notes what is named from now on: a snapshot of all that is open begins. */
    note() {
      named = new Set();
    },

    /** Forgets what has not been named since `note`: it ended while nobody was listening. */
    forgetOthers() {
      const noted = named;
      named = null;
      if (!noted || [...items.peek().keys()].every((key) => noted.has(key))) return;
      items.value = new Map([...items.peek()].filter(([key]) => noted.has(key)));
    },

    clear() {
      named = null;
      items.value = new Map();
    },
  };
}

/** Of too many, those go that ended and were heard of first. @param {Map<string | number, {state?: string}>} held */
function forgetEnded(held) {
  if (held.size <= MOST) return;
  for (const [key, { state }] of held) {
    if (held.size <= MOST / 2) return;
    if (ENDED.has(String(state))) held.delete(key);
  }
}

/**
 * @template {{version: number, state?: string}} Item
 * @typedef {object} Collection
 * @property {import("../view.js").Signal<ReadonlyMap<string | number, Item>>} items
 * @property {(news: Item[]) => void} take
 * @property {() => void} note
 * @property {() => void} forgetOthers
 * @property {() => void} clear
 */
