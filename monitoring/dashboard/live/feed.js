/**
 * The newest state of every device that has been heard of, one signal each, so that a change repaints the one row it
 * concerns. It owns merging and counting; where the items come from is not its business.
 */

import { batch, signal } from "../view.js";
import { isOpen, mergeInstalled } from "../updates/states.js";
import { mergePresence, mergeReading, mergeUpdate } from "./merge.js";
import { Rate } from "./rate.js";

/**
 * @typedef {object} Heard
 * @property {import("../view.js").Signal<import("./merge.js").Presence | null>} presence
 * @property {import("../view.js").Signal<import("./merge.js").Reading | null>} reading
 * @property {import("../view.js").Signal<import("./merge.js").Update | null>} update
 * @property {import("../view.js").Signal<import("../updates/states.js").Installed | null>} installed
 * @property {number} arrived when its last live sample came, by this machine's clock; 0 for never
 */

/** @param {{now?: () => number}} [outside] */
export function createFeed({ now = Date.now } = {}) {
  /** @type {Map<string, Heard>} */
  const devices = new Map();
  /** @type {Set<(items: import("./merge.js").TelemetryItem[]) => void>} */
  const listeners = new Set();
  const online = signal(0);
  /** Devices whose newest update is under way. */
  const updating = signal(0);
  /** Grows when a device is heard of for the first time. */
  const known = signal(0);
  let rate = new Rate();

  /** @param {string} uid @returns {Heard} */
  function device(uid) {
    let heard = devices.get(uid);
    if (!heard) {
      heard = { presence: signal(null), reading: signal(null), update: signal(null), installed: signal(null), arrived: 0 };
      devices.set(uid, heard);
    }
    return heard;
  }

  /** @param {string} uid */
  function hear(uid) {
    const heard = device(uid);
    if (heard.presence.peek() === null && heard.reading.peek() === null) known.value += 1;
    return heard;
  }

  return {
    online,
    updating,
    known,
    device,

    /** @param {import("./merge.js").PresenceItem[]} items */
    presence(items) {
      batch(() => {
        for (const item of items) {
          const { presence } = hear(item.device_uid);
          const before = presence.peek()?.online ?? false;
          presence.value = mergePresence(presence.peek(), item);
          online.value += Number(presence.peek()?.online ?? false) - Number(before);
        }
      });
    },

    /** @param {import("./merge.js").Update[]} items */
    updates(items) {
      batch(() => {
        for (const item of items) {
          const { update, installed } = device(item.device_uid);
          installed.value = mergeInstalled(installed.peek(), item);
          const before = isOpen(update.peek()?.state);
          update.value = mergeUpdate(update.peek(), item);
          updating.value += Number(isOpen(update.peek()?.state)) - Number(before);
        }
      });
    },

    /**
     * State read over REST or in a snapshot: merged, but not counted as traffic.
     * @param {import("./merge.js").TelemetryItem[]} items
     */
    latest(items) {
      batch(() => {
        for (const item of items) {
          const { reading } = hear(item.device_uid);
          reading.value = mergeReading(reading.peek(), item);
        }
      });
    },

    /** A live frame. @param {import("./merge.js").TelemetryItem[]} items */
    telemetry(items) {
      rate.add(items.length, now());
      for (const item of items) device(item.device_uid).arrived = now();
      this.latest(items);
      for (const listener of listeners) listener(items);
    },

    /**
     * Calls `listener` with every live frame until the returned function is called.
     * @param {(items: import("./merge.js").TelemetryItem[]) => void} listener
     */
    onTelemetry(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    /** Live readings a second, lately. */
    perSecond: () => rate.perSecond(now()),

    /** Live readings in each of the last seconds, oldest first. */
    history: () => rate.history(now()),

    /** The uids that have been heard of. */
    uids: () => [...devices].filter(([, { presence, reading }]) => presence.peek() || reading.peek()).map(([uid]) => uid),

    /** Forgets everything: another person may sign in. */
    clear() {
      devices.clear();
      rate = new Rate();
      batch(() => {
        online.value = 0;
        updating.value = 0;
        known.value = 0;
      });
    },
  };
}

/** @typedef {ReturnType<typeof createFeed>} Feed */
