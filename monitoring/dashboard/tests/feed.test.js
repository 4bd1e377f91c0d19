import assert from "node:assert/strict";
import { test } from "node:test";
import { createFeed } from "../live/feed.js";

const presence = (device_uid, online, version) => ({ device_uid, online, since: 0, version });

test("online counts devices, not messages", () => {
  const feed = createFeed();
  feed.presence([presence("a", true, 1), presence("b", true, 1), presence("c", false, 1)]);
  feed.presence([presence("a", true, 2), presence("b", false, 2), presence("b", true, 1)]);
  assert.equal(feed.online.value, 1);
});

test("a device that has never connected is not counted", () => {
  const feed = createFeed();
  feed.presence([{ device_uid: "a", online: false, since: null, version: 0 }, presence("a", true, 1)]);
  assert.equal(feed.online.value, 1);
});

test("a snapshot is merged but is no traffic", () => {
  let now = 100_000;
  const feed = createFeed({ now: () => now });
  feed.latest([{ device_uid: "a", ts: 1, metrics: { t: 1 } }]);
  now += 1_000;
  assert.equal(feed.perSecond(), 0);
  feed.telemetry([{ device_uid: "a", ts: 2, metrics: { t: 2 } }]);
  now += 1_000;
  assert.equal(feed.perSecond(), 1);
  assert.equal(feed.device("a").reading.value.metrics.get("t").value, 2);
});

test("known grows once for each device that is heard of", () => {
  const feed = createFeed();
  feed.device("asked for only");
  feed.latest([{ device_uid: "a", ts: 1, metrics: {} }]);
  feed.presence([presence("a", true, 1), presence("b", true, 1)]);
  assert.equal(feed.known.value, 2);
  assert.deepEqual(feed.uids().sort(), ["a", "b"]);
});

test("updating counts devices whose newest update is under way, whatever comes late", () => {
  const feed = createFeed();
  const update = (device_uid, counter, version, state) => ({ device_uid, counter, version, state });
  feed.updates([update("a", 1, 1, "initiated"), update("b", 2, 3, "downloading"), update("c", 3, 4, "failed")]);
  assert.equal(feed.updating.value, 2);
  feed.updates([update("b", 2, 5, "completed"), update("b", 2, 4, "flashed"), update("c", 4, 1, "initiated"), update("a", 1, 1, "initiated")]);
  assert.equal(feed.updating.value, 2);
  feed.clear();
  assert.equal(feed.updating.value, 0);
});

test("a listener hears live frames until it leaves", () => {
  const feed = createFeed();
  const heard = [];
  const leave = feed.onTelemetry((items) => heard.push(...items));
  feed.telemetry([{ device_uid: "a", ts: 1, metrics: {} }]);
  leave();
  feed.telemetry([{ device_uid: "a", ts: 2, metrics: {} }]);
  assert.equal(heard.length, 1);
});

test("clearing forgets one person's fleet before the next signs in", () => {
  const feed = createFeed();
  feed.presence([presence("a", true, 1)]);
  feed.clear();
  assert.equal(feed.online.value, 0);
  assert.equal(feed.device("a").presence.value, null);
});

test("whoever watches devices hears which of them something is said of, until no more", () => {
  const feed = createFeed();
  const heard = [];
  const leave = feed.onDevice((uid) => heard.push(uid));
  feed.presence([presence("a", true, 1)]);
  feed.telemetry([{ device_uid: "b", ts: 1, metrics: { t: 1 } }]);
  leave();
  feed.presence([presence("c", true, 1)]);
  assert.deepEqual(heard, ["a", "b"]);
});
