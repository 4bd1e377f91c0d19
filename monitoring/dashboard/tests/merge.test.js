import assert from "node:assert/strict";
import { test } from "node:test";
import { inOrder, instant, mergePresence, mergeReading, mergeUpdate, newestDrawn } from "../live/merge.js";

const item = (ts, metrics) => ({ device_uid: "d", ts, metrics });

test("a later sample replaces the values it brings and keeps the others", () => {
  const held = mergeReading(mergeReading(null, item(1000, { a: 1, b: 2 })), item(2000, { a: 3 }));
  assert.deepEqual(held.metrics.get("a"), { value: 3, ts: 2000 });
  assert.deepEqual(held.metrics.get("b"), { value: 2, ts: 1000 });
  assert.equal(held.ts, 2000);
});

test("an older sample brings only what was not known", () => {
  const held = mergeReading(mergeReading(null, item(2000, { a: 3 })), item(1000, { a: 1, b: 2 }));
  assert.equal(held.metrics.get("a").value, 3);
  assert.equal(held.metrics.get("b").value, 2);
  assert.equal(held.ts, 2000);
});

test("a repeated sample changes nothing, so nothing is painted again", () => {
  const held = mergeReading(null, item(1000, { a: 1 }));
  assert.equal(mergeReading(held, item(1000, { a: 1 })), held);
});

test("REST's latest values keep the time of each metric", () => {
  const rest = item("2026-11-21T10:00:05Z", { a: { value: 1, ts: "2026-11-21T10:00:00Z" }, b: { value: 2, ts: "2026-11-21T10:00:05Z" } });
  const held = mergeReading(null, rest);
  assert.equal(held.metrics.get("a").ts, Date.UTC(2026, 10, 21, 10, 0, 0));
  assert.equal(held.ts, Date.UTC(2026, 10, 21, 10, 0, 5));
});

test("a metric may carry any name without touching an object's own properties", () => {
  const metrics = JSON.parse('{"__proto__": 1, "constructor": 2}');
  const held = mergeReading(null, item(1, metrics));
  assert.equal(held.metrics.get("__proto__").value, 1);
  assert.equal({}.polluted, undefined);
});

test("presence keeps the greater version, whichever arrives last", () => {
  const online = mergePresence(null, { device_uid: "d", online: true, since: 5000, version: 7 });
  assert.equal(mergePresence(online, { device_uid: "d", online: false, since: 4000, version: 6 }), online);
  assert.equal(mergePresence(online, { device_uid: "d", online: false, since: "1970-01-01T00:00:09Z", version: 8 }).online, false);
});

test("a device that has never connected has no presence", () => {
  assert.equal(mergePresence(null, { device_uid: "d", online: false, since: null, version: 0 }), null);
});

test("metrics are shown numbers first, then by name", () => {
  const held = mergeReading(null, item(1, { mode: "auto", z: 1, a: 2, door: true }));
  assert.deepEqual(inOrder(held).map(([name]) => name), ["a", "z", "door", "mode"]);
});

test("times come as epoch milliseconds or RFC 3339", () => {
  assert.equal(instant(12), 12);
  assert.equal(instant("1970-01-01T00:00:01+00:00"), 1000);
});

test("an update keeps the later session, and of one session the later state", () => {
  const at = (counter, version) => ({ device_uid: "d", counter, version });
  const held = mergeUpdate(null, at(2, 3));
  assert.equal(mergeUpdate(held, at(2, 3)), held);
  assert.equal(mergeUpdate(held, at(2, 2)), held);
  assert.equal(mergeUpdate(held, at(1, 9)), held);
  assert.equal(mergeUpdate(held, at(2, 4)).version, 4);
  assert.equal(mergeUpdate(held, at(3, 1)).counter, 3);
});

test("the newest that can be drawn is a number or a yes, never a text", () => {
  const told = [item(1000, { a: 1 }), item(3000, { mode: "eco" }), item(2000, { open: false })];
  assert.equal(newestDrawn(told.reduce(mergeReading, null)), 2000);
  assert.equal(newestDrawn(mergeReading(null, item(3000, { mode: "eco" }))), null);
  assert.equal(newestDrawn(null), null);
});
