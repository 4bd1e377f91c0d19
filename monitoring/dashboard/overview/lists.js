/** What the overview's lists hold, and in which order: pure. */

/** @typedef {import("../live/feed.js").LiveAlert} LiveAlert */

const SEVERITIES = ["critical", "warning", "info"];

/**
 * The open alerts: the gravest first, of these the newest.
 * @param {Iterable<LiveAlert>} alerts
 */
export function open(alerts) {
  const rank = (/** @type {LiveAlert} */ { severity }) => SEVERITIES.indexOf(severity);
  return [...alerts].filter(({ state }) => state === "active").sort((one, other) => rank(one) - rank(other) || other.opened_at - one.opened_at);
}

/**
 * The devices that went away last.
 * @param {string[]} uids
 * @param {(uid: string) => import("../live/merge.js").Presence | null} presenceOf
 * @param {number} most
 * @returns {{uid: string, since: number}[]}
 */
export function latelyAway(uids, presenceOf, most) {
  return uids
    .flatMap((uid) => {
      const presence = presenceOf(uid);
      return presence && !presence.online ? [{ uid, since: presence.since }] : [];
    })
    .sort((one, other) => other.since - one.since)
    .slice(0, most);
}
