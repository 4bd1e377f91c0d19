/** By which rules a release goes: those that its document says, in words. */

import { html } from "../view.js";
import { duration, moment } from "../shell/format.js";
import { many } from "./states.js";

const ON_FAILURE = /** @type {Record<string, string>} */ ({ pause: "the release is paused", fail: "the release ends", rollback: "everything is rolled back" });

/** @param {{release: import("./release-page.js").Detail}} props */
export function Rules({ release }) {
  return html`<section class="panel rules" aria-labelledby="rules-title">
    <h2 id="rules-title">Rules</h2>
    <dl>
      ${rulesOf(release).map(([name, said]) => html`<dt key=${name}>${name}</dt><dd>${said}</dd>`)}
    </dl>
  </section>`;
}

/**
 * @param {import("./release-page.js").Detail} release
 * @returns {[string, string][]}
 */
function rulesOf({ document: said, slug, needs_approval: needsApproval, approved_at: approvedAt, start_at: startAt }) {
  /** @type {[string, string | false | null | undefined][]} */
  const all = [
    ["Slug", slug],
    ["When a wave fails", ON_FAILURE[said.on_failure] ?? said.on_failure],
    ["Approval", needsApproval && (approvedAt ? `given ${moment(approvedAt)}` : "needed before it starts")],
    ["Start", startAt && moment(startAt)],
    ["Window", said.window && windowInWords(said.window)],
    ["Pace", said.max_per_hour && `at most ${many(said.max_per_hour)} begin in an hour`],
    ["At once", said.concurrency && `at most ${many(said.concurrency)} of a cluster`],
    ["At one site", said.per_site && `at most ${many(said.per_site)} at once`],
    ["To take it up", said.deadline_s && `each device has ${duration(said.deadline_s * 1000)}`],
    ["To prove itself", said.device_soak_s && `each device runs it for ${duration(said.device_soak_s * 1000)}`],
    ["Consent", said.consent && "each update waits until somebody confirms it"],
    ["Late joiners", said.join_late && "devices that come to match later take part"],
    ["Going back", said.force && "an older version may replace a newer one"],
  ];
  return /** @type {[string, string][]} */ (all.filter(([, words]) => words));
}

/** @param {{begins: string, ends: string, days?: string[]}} window */
export function windowInWords({ begins, ends, days = [] }) {
  const when = days.length === 0 || days.length === 7 ? "every day" : days.join(", ");
  return `${begins.slice(0, 5)} to ${ends.slice(0, 5)}, ${when}, by each device's clock`;
}
