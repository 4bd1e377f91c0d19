/** What the states of a release and of its parts mean to a person, and what may be done in each: pure. */

/** @typedef {"draft" | "scheduled" | "running" | "paused" | "completed" | "failed" | "cancelled" | "rolling_back" | "rolled_back"} State */
/** @typedef {"approve" | "start" | "pause" | "resume" | "retry" | "cancel" | "rollback"} Verb */

/** @type {readonly State[]} */
export const STATES = ["draft", "scheduled", "running", "paused", "completed", "failed", "cancelled", "rolling_back", "rolled_back"];

/**
 * @typedef {object} Progress how many devices are how far; `percent` of them have ended, well or not
 * @property {number} devices
 * @property {number} waiting
 * @property {number} in_progress
 * @property {number} succeeded
 * @property {number} failed
 * @property {number} skipped
 * @property {number} cancelled
 * @property {number} percent
 */

/**
 * @typedef {object} Wave
 * @property {string} id
 * @property {string} name
 * @property {number | null} percent
 * @property {State} state
 * @property {Progress} progress
 * @property {number} success_threshold percent
 * @property {number} failure_threshold percent
 * @property {string | null} opened_at RFC 3339
 * @property {string | null} met_at
 * @property {string | null} passed_at
 * @property {string | null} failed_at
 * @property {Canary | null} [canary]
 *
 * @typedef {object} Canary what a wave's devices are compared with others by, and what came of it
 * @property {{metrics: {metric: string, worse: "higher" | "lower", tolerance_percent: number}[], alerts: boolean, window_s: number, min_devices: number}} criteria
 * @property {string | null} begins_at RFC 3339; null as long as it was not asked for
 * @property {string | null} ends_at
 * @property {"passed" | "failed" | "inconclusive" | null} verdict
 * @property {boolean} waived whether a person has let the release go on all the same
 * @property {string | null} detail
 * @property {{metric: string | null, verdict: string, devices: number, mean: number | null, others: number, others_mean: number | null}[]} figures
 *     `metric` is null for alerts, whose means are parts of the devices
 */

/**
 * @typedef {object} Release as `GET /releases` answers
 * @property {string} id
 * @property {string} slug
 * @property {string} name
 * @property {string | null} description
 * @property {State} state
 * @property {string | null} reason a word for programs
 * @property {string | null} detail why it does not go on, a sentence
 * @property {Progress} progress
 * @property {Progress | null} rollback
 * @property {Wave[]} waves
 * @property {boolean} needs_approval
 * @property {string | null} approved_by
 * @property {string | null} approved_at
 * @property {number} version
 * @property {string} created_by the id of a person
 * @property {string} created_at
 * @property {string} updated_at
 * @property {string | null} start_at
 * @property {string | null} started_at
 * @property {string | null} ended_at
 */

/** @param {string} state */
export const word = (state) => state.replaceAll("_", " ");

/** Whether it can change without a person. @param {string} state */
export const goesOn = (state) => state === "scheduled" || state === "running" || state === "rolling_back";

const STOPPABLE = new Set(["draft", "scheduled", "running", "paused"]);
const RETRIED = new Set(["running", "paused", "completed"]);
const TAKEN_BACK = new Set(["running", "paused", "completed", "failed", "cancelled"]);

/** The wave that has failed its gate, if one has. @param {Pick<Release, "waves">} release */
export const failedWave = (release) => release.waves.find(({ failed_at: at }) => at !== null);

/** The wave that its canary holds back, if one does. @param {Pick<Release, "waves">} release */
export const heldBack = (release) => release.waves.find(({ failed_at: at, canary }) => at !== null && canary?.begins_at);

/**
 * What may be done with a release, the likeliest first.
 * @param {Pick<Release, "state" | "needs_approval" | "approved_at" | "progress" | "waves">} release
 * @param {(scope: string) => boolean} can
 * @returns {Verb[]}
 */
export function verbs(release, can) {
  const { state, needs_approval: needsApproval, approved_at: approvedAt, progress } = release;
  const unapproved = needsApproval && approvedAt === null;
  /** @type {[Verb, boolean][]} */
  const all = [
    ["approve", state === "draft" && unapproved && can("updates:approve")],
    ["start", state === "draft" && !unapproved && can("updates:write")],
    ["pause", state === "running" && can("updates:write")],
    ["resume", state === "paused" && can("updates:write")],
    ["retry", RETRIED.has(state) && (progress.failed > 0 || heldBack(release) !== undefined) && can("updates:write")],
    ["rollback", TAKEN_BACK.has(state) && progress.succeeded + progress.in_progress > 0 && can("updates:write")],
    ["cancel", STOPPABLE.has(state) && can("updates:write")],
  ];
  return all.filter(([, possible]) => possible).map(([verb]) => verb);
}

/** The parts of a progress in the order in which they are shown. */
export const PARTS = /** @type {const} */ (["succeeded", "in_progress", "failed", "cancelled", "skipped", "waiting"]);

const WORDS = { succeeded: "updated", in_progress: "under way", failed: "failed", cancelled: "cancelled", skipped: "left out", waiting: "waiting" };

/**
 * How many devices are how far, in words, without what there is none of.
 * @param {Progress} progress
 * @param {Partial<typeof WORDS>} [words]
 */
export function counts(progress, words) {
  const named = { ...WORDS, ...words };
  const told = PARTS.filter((part) => progress[part] > 0).map((part) => `${progress[part]} ${named[part]}`);
  return told.length > 0 ? told.join(", ") : "no devices";
}

/** @param {number} number @param {string} [one] */
export const many = (number, one = "device") => `${number} ${one}${number === 1 ? "" : "s"}`;
