import assert from "node:assert/strict";
import { test } from "node:test";
import { bodyOf, faultsOf, formOf } from "../alerts/rule.js";
import { causeInWords, conditionInWords, isSilent, scopeInWords } from "../alerts/words.js";

const rule = (condition, said = {}) => ({ name: "Hot", severity: "critical", condition, for_s: 0, scope: null, enabled: true, silenced_until: null, version: 1, ...said });

test("a rule is written again as it was", () => {
  const rules = [
    rule({ kind: "threshold", metric: "temperature", above: 30, clear_at: 28 }, { for_s: 300 }),
    rule({ kind: "threshold", metric: "charge", above: 90.5, below: -0.5 }, { scope: { group_id: 4 } }),
    rule({ kind: "rate", metric: "pressure", window_s: 600, below: -5 }, { scope: { rql: "exists(name)" } }),
    rule({ kind: "missing", metric: "temperature", for_s: 900 }, { scope: { device_uids: ["a", "b"] } }),
    rule({ kind: "missing", for_s: 60 }),
    rule({ kind: "presence", offline_s: 3600 }, { enabled: false }),
  ];
  for (const each of rules) {
    const { name, severity, condition, for_s, scope, enabled } = each;
    assert.deepEqual(bodyOf(formOf(each)), { name, severity, condition, for_s, scope, enabled });
    assert.deepEqual(faultsOf(formOf(each)), {});
  }
});

test("what is missing or wrong is told by its field", () => {
  assert.deepEqual(Object.keys(faultsOf(formOf(null))), ["name", "metric", "above"]);
  const written = { ...formOf(null), name: "Hot", metric: "t", above: "warm", clearAt: "cold", lasting: "a while" };
  assert.deepEqual(Object.keys(faultsOf(written)), ["above", "clearAt", "lasting"]);
  assert.deepEqual(Object.keys(faultsOf({ ...formOf(null), name: "Gone", kind: "presence", silence: "" })), ["silence"]);
  assert.deepEqual(Object.keys(faultsOf({ ...formOf(null), name: "Gone", kind: "presence", selection: { kind: "rql", chosen: "", rql: " ", uids: "" } })), ["selection"]);
});

test("what the platform would refuse is told by its field before it is asked", () => {
  const hot = { ...formOf(null), name: "Hot", metric: "t", above: "50" };
  const wrong = (said) => Object.keys(faultsOf({ ...hot, ...said }));
  for (const metric of ["oil level", "1st", "t".repeat(65), "tempé"]) assert.deepEqual(wrong({ metric }), ["metric"]);
  assert.deepEqual(wrong({ metric: " pump/oil.level:1 " }), []);
  assert.deepEqual(wrong({ below: "60" }), ["below"]);
  assert.deepEqual(wrong({ clearAt: "51" }), ["clearAt"]);
  assert.deepEqual(wrong({ below: "10", clearAt: "20" }), ["clearAt"]);
  assert.deepEqual(wrong({ above: "", below: "10", clearAt: "9" }), ["clearAt"]);
  assert.deepEqual(wrong({ below: "50", clearAt: "" }), []);
  assert.deepEqual(wrong({ lasting: "8 d" }), ["lasting"]);
  assert.deepEqual(wrong({ lasting: "0" }), []);
  assert.deepEqual(wrong({ kind: "rate", window: "25 h" }), ["window"]);
  assert.deepEqual(wrong({ kind: "missing", metric: "", silence: "30 d" }), []);
  assert.deepEqual(wrong({ kind: "missing", metric: "a b", silence: "31 d" }), ["metric", "silence"]);
  assert.deepEqual(wrong({ kind: "presence", metric: "a b", silence: "31 d" }), ["silence"]);
});

test("what a rule waits for is said in words", () => {
  assert.equal(conditionInWords({ kind: "threshold", metric: "temperature", above: 30, clear_at: 28 }, 300), "temperature above 30 for 5 min, until it is back at 28");
  assert.equal(conditionInWords({ kind: "threshold", metric: "charge", above: 90, below: 10 }), "charge above 90 or below 10");
  assert.equal(conditionInWords({ kind: "rate", metric: "pressure", window_s: 600, below: -5 }), "pressure changes within 10 min by less than -5");
  assert.equal(conditionInWords({ kind: "missing", for_s: 90 }), "no telemetry for 1 min 30 s");
  assert.equal(conditionInWords({ kind: "presence", offline_s: 3600 }), "away for 1 h");
});

test("what opened an alert is said in its unit, and its scope by name", () => {
  assert.equal(causeInWords({ kind: "threshold", metric: "temperature", value: 31.25, threshold: 30 }), "temperature 31.25, the limit is 30");
  assert.equal(causeInWords({ kind: "missing", metric: null, value: 120, threshold: 60 }), "no telemetry for 2 min");
  assert.equal(causeInWords({ kind: "presence", metric: null, value: null, threshold: null }), "away");
  assert.equal(scopeInWords(null), "all devices");
  assert.equal(scopeInWords({ group_id: 4 }, new Map([[4, "North"]])), "group North");
  assert.equal(scopeInWords({ device_uids: ["a", "b", "c", "d"] }), "4 devices");
});

test("a silence is over when its time is", () => {
  assert.equal(isSilent({ silenced_until: null }, 0), false);
  assert.equal(isSilent({ silenced_until: "2026-11-21T14:00:00Z" }, Date.parse("2026-11-21T13:59:59Z")), true);
  assert.equal(isSilent({ silenced_until: "2026-11-21T14:00:00Z" }, Date.parse("2026-11-21T14:00:00Z")), false);
});
