/** What the states of an update mean to a person, and which of two accounts of it counts: pure. */

/** The road of an update that goes well; one that needs consent is held before it. */
export const STEPS = /** @type {const} */ (["initiated", "acknowledged", "downloading", "flashed", "completed"]);

const OPEN = new Set(["held", "initiated", "acknowledged", "downloading", "flashed", "cancelling"]);
const INSTALLED = new Set(["flashed", "completed"]);

/**
 * @typedef {object} Session as `GET /updates` answers
 * @property {string} session_id
 * @property {string} device_uid
 * @property {number} firmware_id
 * @property {string} firmware_name
 * @property {string} firmware_version
 * @property {string | null} previous_version
 * @property {string} state
 * @property {number | null} progress percent of the download
 * @property {string | null} error
 * @property {string | null} deadline RFC 3339
 * @property {string | null} [release] the slug of the release that it is of
 * @property {string} opened_at
 * @property {string} updated_at
 */

/** Whether an update is still under way. @param {string | undefined | null} state */
export const isOpen = (state) => OPEN.has(String(state));

/** @param {string} state */
export const word = (state) => state.replaceAll("_", " ");

/**
 * The state, and of a download how far it is.
 * @param {{state: string, progress: number | null}} update
 */
export function stateAndProgress({ state, progress }) {
  return state === "downloading" && progress !== null ? `${word(state)} ${progress} %` : word(state);
}

/**
 * What an open state waits for.
 * @param {string} state
 * @param {boolean} online
 */
export function waitsFor(state, online) {
  if (!online && state !== "flashed" && state !== "held") return "The device is away. It goes on as soon as it connects.";
  switch (state) {
    case "held":
      return "It waits for consent, of a person or at the device.";
    case "cancelling":
      return "The device is asked to stop. It may still go on if it cannot.";
    case "initiated":
      return "Announced to the device, which has not answered yet.";
    case "acknowledged":
      return "The device has taken the update on and is about to download it.";
    case "downloading":
      return "The device is downloading the image.";
    case "flashed":
      return "The image is installed. The device restarts and confirms that it works.";
    default:
      return "";
  }
}

/** @typedef {{version: string, at: number}} Installed  what an update has left on a device; `at` in epoch milliseconds */

/**
 * @param {Installed | null} held
 * @param {import("../live/merge.js").Update} update
 * @returns {Installed | null} `held` itself unless the update has installed something since
 */
export function mergeInstalled(held, update) {
  if (!INSTALLED.has(update.state) || (held && held.at >= update.updated_at)) return held;
  return { version: update.firmware_version, at: update.updated_at };
}

/**
 * The version a device runs: as it is registered, or as an update has left it since that was read.
 * @param {{firmware_version: string | null, updated_at: string}} device
 * @param {Installed | null} installed
 */
export function runningVersion(device, installed) {
  return installed && installed.at > Date.parse(device.updated_at) ? installed.version : device.firmware_version;
}

/**
 * The sessions as they are read over REST, brought up to what was heard live since.
 * @param {Session[]} sessions
 * @param {import("../live/merge.js").Update | null} update
 * @returns {Session[]}
 */
export function broughtUp(sessions, update) {
  if (!update) return sessions;
  return sessions.map((session) => {
    if (session.session_id !== update.session_id || Date.parse(session.updated_at) >= update.updated_at) return session;
    const { state, progress, error } = update;
    return { ...session, state, progress, error, updated_at: new Date(update.updated_at).toISOString() };
  });
}

/**
 * Whether an image is for the hardware of a device; one that names no hardware is for all.
 * @param {{hardware_versions: string[]}} firmware
 * @param {{hardware_version: string | null}} device
 */
export function fits(firmware, device) {
  const { hardware_versions: versions } = firmware;
  return versions.length === 0 || versions.includes(device.hardware_version ?? "");
}
