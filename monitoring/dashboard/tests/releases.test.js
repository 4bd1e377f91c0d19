import assert from "node:assert/strict";
import { test } from "node:test";
import { consequence } from "../releases/consequences.js";
import { figureInWords, gateInWords } from "../releases/gate.js";
import { counts, STATES, verbs } from "../releases/states.js";

const progress = (said = {}) => ({ devices: 60, waiting: 30, in_progress: 4, succeeded: 20, failed: 5, skipped: 1, cancelled: 0, percent: 43, ...said });
const wave = (said = {}) => ({ id: "wave:w", name: "Wave 1", state: "running", progress: progress(), failed_at: null, ...said });
const release = (said = {}) => ({
  name: "Spring", slug: "spring", state: "running", detail: null, needs_approval: false, approved_at: null, start_at: null, progress: progress(), waves: [wave()], ...said,
});
const everything = () => true;

test("in every state just that is offered which the platform would take", () => {
  const offered = Object.fromEntries(STATES.map((state) => [state, verbs(release({ state }), everything)]));
  assert.deepEqual(offered, {
    draft: ["start", "cancel"],
    scheduled: ["cancel"],
    running: ["pause", "retry", "rollback", "cancel"],
    paused: ["resume", "retry", "rollback", "cancel"],
    completed: ["retry", "rollback"],
    failed: ["rollback"],
    cancelled: ["rollback"],
    rolling_back: [],
    rolled_back: [],
  });
});

test("a draft that asks for approval is approved before it is started, by one who may", () => {
  const draft = release({ state: "draft", needs_approval: true });
  assert.deepEqual(verbs(draft, everything), ["approve", "cancel"]);
  assert.deepEqual(verbs(draft, (scope) => scope === "updates:write"), ["cancel"]);
  assert.deepEqual(verbs({ ...draft, approved_at: "2026-11-21T14:00:00Z" }, everything), ["start", "cancel"]);
});

test("who may only look is offered nothing, and nothing is retried or taken back where there is nothing", () => {
  assert.deepEqual(verbs(release(), () => false), []);
  assert.deepEqual(verbs(release({ progress: progress({ failed: 0, succeeded: 0, in_progress: 0 }) }), everything), ["pause", "cancel"]);
});

test("the counts are told in words, without what there is none of", () => {
  assert.equal(counts(progress()), "20 updated, 4 under way, 5 failed, 1 left out, 30 waiting");
  assert.equal(counts(progress({ devices: 0, waiting: 0, in_progress: 0, succeeded: 0, failed: 0, skipped: 0 })), "no devices");
});

test("it is said before it is done what a pause, a roll back and a cancellation come to", () => {
  assert.match(consequence("pause", release()).sentences.join(" "), /30 devices wait.*4 devices that have begun will finish/);
  assert.match(consequence("rollback", release()).sentences.join(" "), /20 devices that have.*4 devices.*30 devices that wait are not updated/);
  assert.match(consequence("cancel", release()).sentences.join(" "), /30 devices will not be updated, and the updates of 4 devices.*20 devices/);
});

test("a resume says when a wave has failed its gate", () => {
  assert.equal(consequence("resume", release({ state: "paused" })).label, "Resume");
  const stopped = release({ state: "paused", detail: "5 of 24 were not updated", waves: [wave({ failed_at: "2026-11-21T14:00:00Z" })] });
  const said = consequence("resume", stopped);
  assert.equal(said.label, "Go on anyway");
  assert.match(said.sentences.join(" "), /5 of 24 were not updated.*5 devices that failed so far will count no more/);
});

test("a start says whether it is now or later", () => {
  const draft = release({ state: "draft", start_at: "2026-12-01T08:00:00Z" });
  assert.equal(consequence("start", draft, Date.parse("2026-11-01T00:00:00Z")).label, "Schedule");
  assert.equal(consequence("start", draft, Date.parse("2026-12-02T00:00:00Z")).label, "Start");
});

test("a gate says what it waits for: devices, its soak, its canary", () => {
  const at = (seconds) => new Date(1_000_000 + seconds * 1000).toISOString();
  const gate = (said, now = 0) => gateInWords({ success_threshold: 90, failure_threshold: 10, opened_at: at(0), met_at: null, passed_at: null, failed_at: null, ...said }, { soak_s: 60, waves: [{}] }, 0, 1_000_000 + now * 1000);
  assert.equal(gate({}), "passes at 90 % updated, then soaks for 1 min; fails at 10 % failed");
  assert.equal(gate({ met_at: at(0) }, 20), "met, soaks for another 40 s");
  assert.equal(gate({ met_at: at(0) }, 61), "met, passes within seconds");
  const canary = { begins_at: at(60), ends_at: at(660), verdict: null };
  assert.equal(gate({ met_at: at(0), canary }, 61), "met; its devices are compared with others for another 9 min");
  assert.equal(gate({ met_at: at(0), canary }, 700), "met; the comparison with others is being judged");
  assert.equal(gate({ failed_at: at(700), canary: { ...canary, verdict: "failed" } }), "failed: its devices are worse than others");
  assert.equal(gate({ passed_at: at(60) }), "has passed");
});

test("a canary's figures are told with and without the update", () => {
  const figure = { verdict: "failed", devices: 5, others: 40 };
  assert.equal(figureInWords({ ...figure, metric: "temperature", mean: 24.5, others_mean: 20 }), "temperature: 24.5 with the update (5), 20 without (40): failed");
  assert.equal(figureInWords({ ...figure, metric: null, mean: 0.4, others_mean: null }), "devices with alerts: 40 % with the update (5), unknown without (40): failed");
});

test("what a canary holds back is watched again by a retry", () => {
  const held = release({ state: "paused", progress: progress({ failed: 0 }), waves: [wave({ failed_at: "x", canary: { begins_at: "x", verdict: "inconclusive" } })] });
  assert.ok(verbs(held, everything).includes("retry"));
  assert.match(consequence("resume", held).sentences.join(" "), /comparison of its devices with others is waived/);
  assert.match(consequence("retry", held).sentences.join(" "), /devices of Wave 1 are compared with others once more/);
});
