/** What actions are and what their states mean to a person: pure. */

/**
 * @typedef {object} Action as `GET /actions` answers
 * @property {number} action_id
 * @property {string} device_uid
 * @property {string} type
 * @property {Record<string, any>} params
 * @property {string} state
 * @property {number | null} progress percent
 * @property {any} result
 * @property {string | null} error
 * @property {number} attempt
 * @property {string | null} next_attempt_at RFC 3339
 * @property {number | null} bulk_id
 * @property {string} requested_at
 * @property {string | null} completed_at
 * @property {string} deadline
 * @property {number} version
 */

const OPEN = new Set(["pending", "running"]);
const NAMES = new Map([
  ["system_reboot", "Restart"],
  ["firmware_update", "Firmware update"],
  ["software_update", "Software update"],
  ["configuration_change", "Configuration"],
]);

/** Whether an action has not ended. @param {string} state */
export const isOpen = (state) => OPEN.has(state);

/** @param {string} type */
export const nameOf = (type) => NAMES.get(type) ?? type.replaceAll("_", " ");

/** @param {string} state */
export const word = (state) => state.replaceAll("_", " ");

/**
 * The actions as they are read over REST, brought up to what was heard live since.
 * @param {Action[]} actions
 * @param {ReadonlyMap<string | number, import("../live/feed.js").LiveAction>} heard
 * @returns {Action[]}
 */
export function broughtUp(actions, heard) {
  return actions.map((action) => {
    const news = heard.get(action.action_id);
    if (!news || news.version <= action.version) return action;
    const { state, progress, error, attempt, version } = news;
    return { ...action, state, progress, error, attempt, version, completed_at: news.completed_at === null ? null : new Date(news.completed_at).toISOString() };
  });
}

/**
 * The parameters that somebody typed.
 * @param {string} text
 * @returns {Record<string, any>}
 * @throws {Error} for people, when it is not a JSON object
 */
export function paramsOf(text) {
  if (!text.trim()) return {};
  try {
    const params = JSON.parse(text);
    if (params !== null && typeof params === "object" && !Array.isArray(params)) return params;
  } catch {
    // Said below, with what it should look like.
  }
  throw new Error('This must be a JSON object, such as {"mode": "fast"}.');
}
