/** What the states of a batch mean to a person, and what may be done in each: pure. */

import { many } from "../releases/states.js";

/** @typedef {"pending" | "in_progress" | "completed" | "failed" | "cancelled"} State */
/** @typedef {"start" | "retry" | "rollback" | "cancel"} Verb */

/** @type {readonly State[]} */
export const STATES = ["pending", "in_progress", "completed", "failed", "cancelled"];

/** @type {readonly string[]} */
export const DEVICE_STATES = ["pending", "initiated", "succeeded", "failed", "skipped", "cancelled"];

/**
 * @typedef {object} Batch as `GET /updates/batches` answers
 * @property {number} id
 * @property {string} name
 * @property {State} state
 * @property {Record<string, any>} target
 * @property {number[]} firmware_ids
 * @property {string | null} start_at RFC 3339
 * @property {number | null} concurrency
 * @property {number | null} per_site
 * @property {number | null} deadline_s
 * @property {boolean} consent
 * @property {boolean} force
 * @property {{begins: string, ends: string, days?: string[]} | null} window
 * @property {boolean} choosing whether more of its devices are still being found
 * @property {number} total
 * @property {Record<string, number>} counts by the state of the device
 * @property {number | null} rollback_of the batch that it takes back
 * @property {number} version
 * @property {string} requested_by
 * @property {string} requested_at
 * @property {string | null} started_at
 * @property {string} updated_at
 * @property {string | null} ended_at
 */

/** Whether it can change without a person. @param {State} state */
export const goesOn = (state) => state === "pending" || state === "in_progress";

/**
 * The counts as those of a release.
 * @param {Pick<Batch, "total" | "counts">} batch
 * @returns {import("../releases/states.js").Progress}
 */
export function progressOf({ total, counts }) {
  const of = (/** @type {string} */ state) => counts[state] ?? 0;
  const ended = of("succeeded") + of("failed") + of("skipped") + of("cancelled");
  return {
    devices: total,
    waiting: of("pending"),
    in_progress: of("initiated"),
    succeeded: of("succeeded"),
    failed: of("failed"),
    skipped: of("skipped"),
    cancelled: of("cancelled"),
    percent: total > 0 ? Math.floor((100 * ended) / total) : 100,
  };
}

/**
 * What may be done with a batch, the likeliest first; one that takes another back is not taken back itself.
 * @param {Batch} batch
 * @param {number | null} rolledBackBy the batch that takes it back already
 * @returns {Verb[]}
 */
export function verbs(batch, rolledBackBy) {
  const { state, counts } = batch;
  /** @type {[Verb, boolean][]} */
  const all = [
    ["start", state === "pending"],
    ["retry", (counts.failed ?? 0) > 0],
    ["rollback", batch.started_at !== null && (counts.succeeded ?? 0) > 0 && rolledBackBy === null && batch.rollback_of === null],
    ["cancel", goesOn(state)],
  ];
  return all.filter(([, possible]) => possible).map(([verb]) => verb);
}

/**
 * What it comes to, said before it is done.
 * @param {Verb} verb
 * @param {Batch} batch
 * @returns {import("../releases/consequences.js").Consequence}
 */
export function consequence(verb, { name, state, counts, total }) {
  const of = (/** @type {string} */ state) => many(counts[state] ?? 0);
  switch (verb) {
    case "start":
      return { label: "Start now", title: `Start ${name} now?`, instead: "Leave it as planned", sentences: [`It does not wait for its time: ${many(total)} are updated, as many at once as it allows.`] };
    case "retry":
      return { label: "Retry", title: `Update ${of("failed")} again?`, instead: "Leave them", sentences: [`The ${of("failed")} for which it failed get another turn; the others are left alone.`] };
    case "rollback":
      return { label: "Roll back", title: `Roll back ${name}?`, instead: "Keep it", grave: true, sentences: [`Another batch takes exactly the ${of("succeeded")} that it updated back to what each ran before.`, ...(goesOn(state) ? ["It ends by that, and what is under way is cancelled first."] : [])] };
    case "cancel":
      return {
        label: "Cancel batch",
        title: `Cancel ${name}?`,
        instead: "Let it go on",
        grave: true,
        sentences: [`${of("pending")} that wait will not be updated, and the updates of ${of("initiated")} under way are cancelled. What was updated keeps the new version.`],
      };
  }
}
