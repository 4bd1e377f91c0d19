/**
 * The newest state of every device that has been heard of, one signal each, so that a change repaints the one row it
 * concerns. It owns merging and counting; where the items come from is not its business.
 */

import { batch, signal } from "../view.js";
import { isOpen, mergeInstalled } from "../updates/states.js";
import { createCollection } from "./collection.js";
import { mergePresence, mergeReading, mergeUpdate } from "./merge.js";
import { Rate } from "./rate.js";

/**
 * @typedef {object} Heard
 * @property {import("../view.js").Signal<import("./merge.js").Presence | null>} presence
 * @property {import("../view.js").Signal<import("./merge.js").Reading | null>} reading
 * @property {import("../view.js").Signal<import("./merge.js").Update | null>} update
 * @property {import("../view.js").Signal<import("../updates/states.js").Installed | null>} installed
 * @property {boolean} known whether the platform has named it
 * @property {number} arrived when its last live sample came, by this machine's clock; 0 for never
 */

/**
 * What the live side tells of things other than single devices; times are epoch milliseconds or null.
 *
 * @typedef {{wave_id: string, name: string, state: string, devices: number, waiting: number, in_progress: number, succeeded: number, failed: number, skipped: number, cancelled: number}} LiveWave
 * @typedef {{release_id: string, slug: string, name: string, version: number, state: string, reason: string | null, detail: string | null, wave: string | null, waves: LiveWave[], created_at: number, started_at: number | null, ended_at: number | null, updated_at: number}} LiveRelease
 * @typedef {{batch_id: number, name: string, version: number, state: string, release_ref: string | null, total: number, pending: number, initiated: number, succeeded: number, failed: number, skipped: number, cancelled: number, started_at: number | null, ended_at: number | null, updated_at: number}} LiveBatch
 * @typedef {{alert_id: string, rule_id: string, rule_name: string, severity: "critical" | "warning" | "info", device_uid: string, metric: string | null, value: import("./merge.js").Value | null, threshold: number | null, state: "active" | "cleared", version: number, acknowledged_by: string | null, acknowledged_at: number | null, opened_at: number, cleared_at: number | null, release: string | null, session_id: string | null}} LiveAlert
 * @typedef {{action_id: number, device_uid: string, version: number, action_type: string, state: string, progress: number | null, error: string | null, attempt: number, bulk_id: number | null, requested_at: number, started_at: number | null, completed_at: number | null, deadline: number, updated_at: number}} LiveAction
 * @typedef {{device_uid: string, version: number, drift: number | null, reported_at: number | null, updated_at: number}} LiveConfiguration
 * @typedef {{job_id: string, version: number, state: string, total: number, pending: number, dispatched: number, succeeded: number, failed: number, cancelled: number, updated_at: number}} LiveJob
 */

/** @param {{now?: () => number}} [outside] */
export function createFeed({ now = Date.now } = {}) {
  /** @type {Map<string, Heard>} */
  const devices = new Map();
  /** @type {Set<(items: import("./merge.js").TelemetryItem[]) => void>} */
  const listeners = new Set();
  /** @type {Set<(uid: string) => void>} */
  const watchers = new Set();
  const online = signal(0);
  /** Devices whose newest update is under way. */
  const updating = signal(0);
  /** Grows when a device is heard of for the first time. */
  const known = signal(0);
  let rate = new Rate();
  const collections = {
    releases: /** @type {import("./collection.js").Collection<LiveRelease>} */ (createCollection(({ release_id: id }) => id)),
    batches: /** @type {import("./collection.js").Collection<LiveBatch>} */ (createCollection(({ batch_id: id }) => id)),
    alerts: /** @type {import("./collection.js").Collection<LiveAlert>} */ (createCollection(({ alert_id: id }) => id)),
    actions: /** @type {import("./collection.js").Collection<LiveAction>} */ (createCollection(({ action_id: id }) => id)),
    configurations: /** @type {import("./collection.js").Collection<LiveConfiguration>} */ (createCollection(({ device_uid: uid }) => uid)),
    jobs: /** @type {import("./collection.js").Collection<LiveJob>} */ (createCollection(({ job_id: id }) => id)),
  };

  /** @param {string} uid @returns {Heard} */
  function device(uid) {
    let heard = devices.get(uid);
    if (!heard) {
      heard = { presence: signal(null), reading: signal(null), update: signal(null), installed: signal(null), known: false, arrived: 0 };
      devices.set(uid, heard);
    }
    return heard;
  }

  /** @param {string} uid */
  function hear(uid) {
    const heard = device(uid);
    if (!heard.known) {
      heard.known = true;
      known.value += 1;
    }
    return heard;
  }

  /** @param {string} uid */
  function tell(uid) {
    for (const watcher of watchers) watcher(uid);
  }

  return {
    online,
    updating,
    known,
    device,
    ...collections,

    /** @param {import("./merge.js").PresenceItem[]} items */
    presence(items) {
      batch(() => {
        for (const item of items) {
          const { presence } = hear(item.device_uid);
          const before = presence.peek()?.online ?? false;
          presence.value = mergePresence(presence.peek(), item);
          tell(item.device_uid);
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
          tell(item.device_uid);
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

    /**
     * Calls `watcher` with each device of whose presence or readings something is said, until the returned function is called.
     * @param {(uid: string) => void} watcher
     */
    onDevice(watcher) {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },

    /** Live readings a second, lately. */
    perSecond: () => rate.perSecond(now()),

    /** Live readings in each of the last seconds, oldest first. */
    history: () => rate.history(now()),

    /** The devices that the platform has named, those too that have never connected. */
    uids: () => [...devices].filter(([, heard]) => heard.known).map(([uid]) => uid),

    /** Forgets everything: another person may sign in. */
    clear() {
      devices.clear();
      rate = new Rate();
      batch(() => {
        for (const collection of Object.values(collections)) collection.clear();
        online.value = 0;
        updating.value = 0;
        known.value = 0;
      });
    },
  };
}

/** @typedef {ReturnType<typeof createFeed>} Feed */
