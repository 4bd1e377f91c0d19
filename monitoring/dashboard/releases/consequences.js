/** What each thing that a person may do with a release will come to, said before it is done: pure. */

import { failedWave, heldBack, many } from "./states.js";

/** @typedef {import("./states.js").Release} Release */
/** @typedef {{label: string, title: string, instead: string, grave?: boolean, sentences: string[]}} Consequence */

/** @param {string} time RFC 3339 */
const local = (time) => new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

/**
 * @param {import("./states.js").Verb} verb
 * @param {Release} release
 * @param {number} [now] epoch milliseconds
 * @returns {Consequence}
 */
export function consequence(verb, release, now = Date.now()) {
  return CONSEQUENCES[verb](release, now);
}

/** @type {Record<import("./states.js").Verb, (release: Release, now: number) => Consequence>} */
const CONSEQUENCES = {
  approve: ({ name, progress }) => ({
    label: "Approve",
    title: `Approve ${name}?`,
    instead: "Not yet",
    sentences: [`It may then be started, for ${many(progress.devices)}. Nothing is updated by the approval alone, and it is not taken back; the release can still be cancelled.`],
  }),

  start: ({ name, progress, waves, start_at: startAt }, now) => {
    const later = startAt !== null && Date.parse(startAt) > now;
    const first = waves[0];
    return {
      label: later ? "Schedule" : "Start",
      title: `${later ? "Schedule" : "Start"} ${name}?`,
      instead: "Not yet",
      sentences: [
        `${later ? `On ${local(startAt)}` : "Now"} ${first.name} begins with ${many(first.progress.devices)}${waves.length > 1 ? `; the other ${many(progress.devices - first.progress.devices)} follow in ${many(waves.length - 1, "wave")}, each once the one before it has passed` : ""}.`,
      ],
    };
  },

  pause: ({ name, progress }) => ({
    label: "Pause",
    title: `Pause ${name}?`,
    instead: "Let it go on",
    sentences: [
      `No more devices begin until somebody resumes it: ${many(progress.waiting)} wait.`,
      ...(progress.in_progress > 0 ? [`${many(progress.in_progress)} that ${progress.in_progress === 1 ? "has" : "have"} begun will finish.`] : []),
    ],
  }),

  resume: (release) => {
    const failed = failedWave(release);
    const { name, progress } = release;
    return {
      label: failed ? "Go on anyway" : "Resume",
      title: failed ? `Go on although ${failed.name} has failed?` : `Resume ${name}?`,
      instead: "Leave it paused",
      grave: failed !== undefined,
      sentences: [
        ...(failed ? [`${release.detail ?? `${failed.name} has failed its gate`}. ${heldBack(release) ? "The comparison of its devices with others is waived." : `The ${many(failed.progress.failed + failed.progress.cancelled)} that failed so far will count no more, and stay as they are.`}`] : []),
        `The release goes on with the ${many(progress.waiting)} that wait.`,
      ],
    };
  },

  retry: ({ name, progress, state, waves }) => ({
    label: "Retry",
    title: progress.failed > 0 ? `Update ${many(progress.failed)} again?` : "Watch its canary again?",
    instead: "Leave it",
    sentences: [
      ...(progress.failed > 0 ? [`The ${many(progress.failed)} for which ${name} failed get another turn.`] : []),
      ...(heldBack({ waves }) ? [`The devices of ${heldBack({ waves })?.name} are compared with others once more before the next wave opens.`] : []),
      ...(state === "paused" ? ["The release goes on by that."] : state === "completed" ? ["The release runs again until they are done."] : []),
    ],
  }),

  cancel: ({ name, progress, state }) => ({
    label: state === "draft" ? "Discard" : "Cancel release",
    title: `${state === "draft" ? "Discard" : "Cancel"} ${name}?`,
    instead: "Keep it",
    grave: true,
    sentences: [
      `It ends for good: ${many(progress.waiting)} will not be updated${progress.in_progress > 0 ? `, and the updates of ${many(progress.in_progress)} under way are cancelled` : ""}.`,
      ...(progress.succeeded > 0 ? [`${many(progress.succeeded)} that ${progress.succeeded === 1 ? "was" : "were"} updated keep the new version; they can be rolled back afterwards.`] : []),
    ],
  }),

  rollback: ({ name, progress, state }) => ({
    label: "Roll back",
    title: `Roll back ${name}?`,
    instead: "Keep it",
    grave: true,
    sentences: [
      `${many(progress.succeeded)} that ${progress.succeeded === 1 ? "has" : "have"} what it brought ${progress.succeeded === 1 ? "goes" : "go"} back to what ${progress.succeeded === 1 ? "it" : "each"} ran before, by another update.`,
      ...(state === "running" || state === "paused" ? [`What is under way is cancelled (${many(progress.in_progress)}), and ${many(progress.waiting)} that wait are not updated at all. The release does not go on afterwards.`] : []),
    ],
  }),
};
