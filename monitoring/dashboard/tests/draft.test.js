import assert from "node:assert/strict";
import { test } from "node:test";
import { documentOf, faultsOf, newCluster, newDraft, stepOf, total, uidsOf, wavesOf } from "../releases/wizard/draft.js";
import { inWords, secondsOf } from "../shell/seconds.js";

const draft = (said = {}) => ({ ...newDraft(), name: "Spring", apps: [{ id: 2, floor: "" }], ...said });
const wrong = (said) => faultsOf(draft(said)).map(({ step, field }) => `${step} ${field}`);

test("a draft to begin with lacks a firmware and a name, and nothing else", () => {
  assert.deepEqual(faultsOf(newDraft()).map(({ step, field }) => `${step} ${field}`), ["firmware apps", "check name"]);
  assert.deepEqual(wrong(), []);
});

test("what was not said is not in the document", () => {
  assert.deepEqual(documentOf(draft()), {
    name: "Spring",
    bundle: { apps: [{ firmware_id: 2 }] },
    clusters: [{ rql: "exists(device_uid)" }],
    waves: [{ percent: 10, soak_s: 1800 }, { percent: 40, soak_s: 1800 }, { percent: 50 }],
    success_threshold: 90,
    failure_threshold: 10,
    on_failure: "pause",
    approval: false,
    join_late: false,
    consent: false,
    force: false,
  });
});

test("everything that can be said is in the document as the platform takes it", () => {
  const said = documentOf(
    draft({
      apps: [{ id: 2, floor: "1.0" }, { id: 3, floor: "" }],
      clusters: [
        { ...newCluster(), kind: "group", name: " North ", chosen: "4" },
        { ...newCluster(), kind: "site", chosen: "5" },
        { ...newCluster(), kind: "rql", rql: ' eq(device_type,"pump") ' },
        { ...newCluster(), kind: "named", uids: "a, b\nc" },
      ],
      windowed: true,
      days: ["sun", "mon"],
      startAt: "2026-12-01T08:00",
      perHour: "100",
      deadline: "1 h 30 min",
      deviceSoak: "10 min",
      longest: "2 d",
    }),
  );
  assert.deepEqual(said.bundle.apps, [{ firmware_id: 2, floor: "1.0" }, { firmware_id: 3 }]);
  assert.deepEqual(said.clusters, [{ name: "North", group_id: 4 }, { site_id: 5 }, { rql: 'eq(device_type,"pump")' }, { device_uids: ["a", "b", "c"] }]);
  assert.deepEqual(said.window, { begins: "22:00", ends: "05:00", days: ["mon", "sun"] });
  assert.equal(said.start_at, new Date("2026-12-01T08:00").toISOString());
  assert.deepEqual([said.max_per_hour, said.deadline_s, said.device_soak_s, said.max_s], [100, 5400, 600, 172_800]);
});

test("each mistake is told at its step and its field", () => {
  assert.deepEqual(wrong({ waves: wavesOf([10, 80]) }), ["waves waves"]);
  assert.deepEqual(wrong({ waves: [{ percent: "ten", soak: "a while", canary: false }] }), ["waves waves.0", "waves waves.0.soak"]);
  assert.deepEqual(wrong({ clusters: [{ ...newCluster(), kind: "group" }, { ...newCluster(), kind: "rql", rql: " " }] }), ["devices clusters.0", "devices clusters.1"]);
  assert.deepEqual(wrong({ success: "0", failure: "101", longest: "0" }), ["waves success", "waves failure", "waves longest"]);
  assert.deepEqual(wrong({ perHour: "1.5", concurrency: "-1", perSite: "many", deadline: "soon", windowed: true, days: [] }), [
    "rules deadline", "rules perHour", "rules concurrency", "rules perSite", "rules days",
  ]);
});

test("the platform's words about a place lead to the step where it is mended", () => {
  const places = [["body", "bundle", "apps", "0"], ["body", "clusters", "1", "group_id"], ["body", "waves", "0", "percent"], ["body", "name"], ["body", "window", "begins"]];
  assert.deepEqual(places.map(stepOf), ["firmware", "devices", "waves", "check", "rules"]);
});

test("shares are added up and uids are read whatever stands between them", () => {
  assert.equal(total(draft({ waves: [{ percent: "30", soak: "", canary: false }, { percent: "", soak: "", canary: false }] })), 30);
  assert.deepEqual(uidsOf(" a,b;\n c\t"), ["a", "b", "c"]);
});

test("a length of time is read as people write it, and written so that it is read again", () => {
  const read = { "90 s": 90, "30min": 1800, "1 h 30 min": 5400, "2 days": 172_800, "1.5 h": 5400, "0": 0 };
  for (const [words, seconds] of Object.entries(read)) assert.equal(secondsOf(words), seconds, words);
  assert.equal(secondsOf(" "), null);
  for (const words of ["soon", "5", "5 parsecs", "-1 s", "1 h and"]) assert.equal(secondsOf(words), undefined, words);
  for (const seconds of [0, 59, 60, 5400, 90_061]) assert.equal(secondsOf(inWords(seconds)), seconds);
});

test("a wave that is a canary says what its devices are compared by, the last one never", () => {
  const waves = wavesOf([10, 90]).map((wave) => ({ ...wave, canary: true }));
  const said = documentOf(draft({ waves, canaryMetrics: [{ metric: " temperature ", worse: "higher", tolerance: "5" }], canaryAlerts: false }));
  const criteria = { metrics: [{ metric: "temperature", worse: "higher", tolerance_percent: 5 }], alerts: false, window_s: 3600, min_devices: 5 };
  assert.deepEqual(said.waves.map(({ canary }) => canary), [criteria, undefined]);
  assert.deepEqual(wrong({ waves, canaryAlerts: false, canaryWindow: "30 s", canaryLeast: "1" }), ["waves canary", "waves canaryWindow", "waves canaryLeast"]);
  assert.deepEqual(wrong({ waves: wavesOf([10, 90]), canaryAlerts: false }), []);
  const compares = (...metrics) => wrong({ waves, canaryMetrics: metrics.map(([metric, tolerance]) => ({ metric, worse: "higher", tolerance })) });
  assert.deepEqual(compares(["errors", "1000"], ["pump/oil", "0"]), []);
  for (const metrics of [[["oil level", "5"]], [["errors", "1001"]], [["errors", "5"], ["errors ", "6"]]]) assert.deepEqual(compares(...metrics), ["waves canary"]);
  assert.deepEqual(wrong({ waves, canaryWindow: "8 d" }), ["waves canaryWindow"]);
});
