import assert from "node:assert/strict";
import { test } from "node:test";
import { broughtUp, fits, isOpen, mergeInstalled, runningVersion, stateAndProgress, STEPS, waitsFor } from "../updates/states.js";

const update = (state, updated_at, extra = {}) => ({ session_id: "s2", state, updated_at, progress: null, error: null, firmware_version: "2.0.0", ...extra });

test("every step but the last is open, every other end is not", () => {
  assert.deepEqual(STEPS.map(isOpen), [true, true, true, true, false]);
  for (const state of ["held", "cancelling"]) assert.equal(isOpen(state), true);
  for (const state of ["failed", "cancelled", "timed_out", undefined]) assert.equal(isOpen(state), false);
});

test("every open state says what it waits for, online or not", () => {
  for (const state of [...STEPS.filter(isOpen), "held", "cancelling"]) for (const online of [true, false]) assert.notEqual(waitsFor(state, online), "");
});

test("a download says how far it is as soon as that is known", () => {
  assert.equal(stateAndProgress(update("downloading", 1, { progress: 0 })), "downloading 0 %");
  assert.equal(stateAndProgress(update("downloading", 1)), "downloading");
  assert.equal(stateAndProgress(update("timed_out", 1, { progress: 40 })), "timed out");
});

test("an update that is in tells the running version until the device is read anew", () => {
  const device = { firmware_version: "1.0.0", updated_at: "1970-01-01T00:00:10Z" };
  const after = (...updates) => runningVersion(device, updates.reduce(mergeInstalled, null));
  assert.equal(after(), "1.0.0");
  assert.equal(after(update("downloading", 20_000)), "1.0.0");
  assert.equal(after(update("failed", 20_000)), "1.0.0");
  assert.equal(after(update("flashed", 20_000)), "2.0.0");
  assert.equal(after(update("completed", 9_000)), "1.0.0");
});

test("what an update has installed is known also while the next one is under way", () => {
  const installed = [update("completed", 20_000), update("initiated", 21_000, { firmware_version: "3.0.0" }), update("flashed", 19_000, { firmware_version: "1.9.0" })];
  assert.deepEqual(installed.reduce(mergeInstalled, null), { version: "2.0.0", at: 20_000 });
});

test("what was heard live since brings its session up to date, and no other", () => {
  const sessions = [
    { session_id: "s2", state: "acknowledged", progress: null, error: null, updated_at: "1970-01-01T00:00:10Z" },
    { session_id: "s1", state: "completed", progress: 100, error: null, updated_at: "1970-01-01T00:00:05Z" },
  ];
  const [newest, older] = broughtUp(sessions, update("downloading", 11_000, { progress: 7 }));
  assert.deepEqual([newest.state, newest.progress], ["downloading", 7]);
  assert.equal(older, sessions[1]);
  assert.equal(broughtUp(sessions, update("initiated", 9_000))[0], sessions[0]);
  assert.equal(broughtUp(sessions, null), sessions);
});

test("an image is for the hardware it names, or for all", () => {
  assert.equal(fits({ hardware_versions: [] }, { hardware_version: null }), true);
  assert.equal(fits({ hardware_versions: ["rev-a", "rev-b"] }, { hardware_version: "rev-b" }), true);
  assert.equal(fits({ hardware_versions: ["rev-a"] }, { hardware_version: null }), false);
});
