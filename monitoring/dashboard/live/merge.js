/**
 * What is kept of each device, and which of two accounts of it is the newer: pure. Frames and REST answers may arrive in
 * any order and more than once; a presence with a greater version, a later session and a metric with a later sample time
 * win.
 */

/**
 * @typedef {number | boolean | string} Value
 * @typedef {{value: Value, ts: number}} Measured  `ts` in epoch milliseconds, by the device's clock
 * @typedef {{ts: number, metrics: ReadonlyMap<string, Measured>}} Reading  the newest value of every metric
 * @typedef {{online: boolean, since: number, version: number}} Presence  `since` in epoch milliseconds
 *
 * @typedef {{device_uid: string, ts: number | string, metrics: Record<string, Value | {value: Value, ts: number | string}>}} TelemetryItem
 *     a live item has bare values, taken at its `ts`; an item of `/telemetry/latest` has the time of each
 * @typedef {{device_uid: string, online: boolean, since: number | string | null, version: number}} PresenceItem
 *     `since` is null for a device that has never connected
 */

/**
 * @typedef {object} Update  the newest update of a device
 * @property {string} device_uid
 * @property {string} session_id
 * @property {number} counter greater for a later session
 * @property {number} version greater for a later state of the session
 * @property {string} state
 * @property {number | null} progress percent of the download
 * @property {string} firmware_name
 * @property {string} firmware_version
 * @property {string | null} error
 * @property {number} updated_at epoch milliseconds
 */

/**
 * Epoch milliseconds, from those or from RFC 3339.
 * @param {number | string} time
 */
export function instant(time) {
  return typeof time === "number" ? time : Date.parse(time);
}

/**
 * The metrics of an item, each with its time. Names come from devices, so they are keys of a Map and never properties.
 * @param {TelemetryItem} item
 * @returns {[string, Measured][]}
 */
export function measurements(item) {
  const ts = instant(item.ts);
  return Object.entries(item.metrics).map(([name, held]) =>
    held !== null && typeof held === "object" ? [name, { value: held.value, ts: instant(held.ts) }] : [name, { value: held, ts }],
  );
}

/**
 * @param {Reading | null} held
 * @param {TelemetryItem} item
 * @returns {Reading} `held` itself when the item brings nothing newer
 */
export function mergeReading(held, item) {
  const newer = measurements(item).filter(([name, measured]) => {
    const known = held?.metrics.get(name);
    return !known || known.ts < measured.ts;
  });
  const ts = Math.max(held?.ts ?? -Infinity, instant(item.ts));
  if (held && newer.length === 0 && ts === held.ts) return held;
  return { ts, metrics: new Map([...(held?.metrics ?? []), ...newer]) };
}

/**
 * A reading's metrics in the order they are shown: numbers first, each kind by name.
 * @param {Reading | null} held
 * @returns {[string, Measured][]}
 */
export function inOrder(held) {
  const rank = (/** @type {[string, Measured]} */ [name, { value }]) => (typeof value === "number" ? "0" : "1") + name;
  return [...(held?.metrics ?? [])].sort((one, other) => (rank(one) < rank(other) ? -1 : 1));
}

/** When the newest of what can be drawn was measured, which text cannot; null when there is none. @param {Parameters<typeof inOrder>[0]} held */
export function newestDrawn(held) {
  const times = inOrder(held).flatMap(([, { value, ts }]) => (typeof value === "string" ? [] : [ts]));
  return times.length > 0 ? Math.max(...times) : null;
}

/**
 * @param {Presence | null} held
 * @param {PresenceItem} item
 * @returns {Presence | null} `held` itself unless the item's version is greater; null for never connected
 */
export function mergePresence(held, item) {
  if (item.since === null || (held && held.version >= item.version)) return held;
  return { online: item.online, since: instant(item.since), version: item.version };
}

/**
 * @param {Update | null} held
 * @param {Update} item
 * @returns {Update} `held` itself unless the item is of a later session, or a later state of the same
 */
export function mergeUpdate(held, item) {
  if (held && (held.counter > item.counter || (held.counter === item.counter && held.version >= item.version))) return held;
  return item;
}
