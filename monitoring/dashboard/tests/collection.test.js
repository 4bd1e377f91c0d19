import assert from "node:assert/strict";
import { test } from "node:test";
import { createCollection } from "../live/collection.js";
import { createNames } from "../fleet/names.js";
import { latelyAway, open } from "../overview/lists.js";

test("of what comes twice or late the greater version stays, and what has no key is left out", () => {
  const alerts = createCollection(({ alert_id: id }) => id);
  alerts.take([{ alert_id: "a", version: 2, state: "cleared" }, { job_id: "x", version: 9 }]);
  alerts.take([{ alert_id: "a", version: 1, state: "active" }]);
  assert.deepEqual([...alerts.items.value.values()], [{ alert_id: "a", version: 2, state: "cleared" }]);
  const before = alerts.items.value;
  alerts.take([{ alert_id: "a", version: 2, state: "cleared" }]);
  assert.equal(alerts.items.value, before);
});

test("what ended long ago makes room, and what is open stays however old it is", () => {
  const alerts = createCollection(({ alert_id: id }) => id);
  alerts.take(Array.from({ length: 20_001 }, (_, id) => ({ alert_id: id, version: 1, state: id === 0 ? "active" : "cleared" })));
  assert.equal(alerts.items.value.size, 10_000);
  assert.ok(alerts.items.value.has(0) && alerts.items.value.has(20_000) && !alerts.items.value.has(1));
});

test("what neither a snapshot nor news since its begin has named is over", () => {
  const alerts = createCollection(({ alert_id: id }) => id);
  alerts.take([{ alert_id: "a", version: 1 }, { alert_id: "b", version: 1 }, { alert_id: "c", version: 1 }]);
  alerts.note();
  alerts.take([{ alert_id: "a", version: 1 }]);
  alerts.take([{ alert_id: "d", version: 1 }, { alert_id: "b", version: 0 }]);
  alerts.forgetOthers();
  assert.deepEqual([...alerts.items.value.keys()], ["a", "b", "d"]);
  alerts.forgetOthers();
  assert.equal(alerts.items.value.size, 3);
});

test("the gravest alert comes first, of equals the newest, and those that are over not at all", () => {
  const alert = (severity, opened_at, state = "active") => ({ severity, opened_at, state });
  const order = open([alert("info", 9), alert("critical", 1), alert("critical", 2), alert("warning", 3), alert("critical", 4, "cleared")]);
  assert.deepEqual(order.map(({ severity, opened_at: at }) => `${severity} ${at}`), ["critical 2", "critical 1", "warning 3", "info 9"]);
});

test("who went away last is named first, and nobody who is here or was never", () => {
  const presences = { a: { online: false, since: 1 }, b: { online: true, since: 9 }, c: { online: false, since: 5 }, d: null };
  assert.deepEqual(latelyAway(Object.keys(presences), (uid) => presences[uid], 8).map(({ uid }) => uid), ["c", "a"]);
  assert.equal(latelyAway(Object.keys(presences), (uid) => presences[uid], 1).length, 1);
});

test("names that are asked for together are read together, and a failure leaves the uids", async () => {
  const asked = [];
  let away = false;
  const api = { get: async (_, { rql }) => { asked.push(rql); if (away) throw new Error("away"); return { items: [{ device_uid: "a", name: "Pump" }, { device_uid: "b", name: null }] }; } };
  const names = createNames(api);
  assert.deepEqual([names.of("a"), names.of("b"), names.of("a")], ["a", "b", "a"]);
  await new Promise((resolve) => setTimeout(resolve, 80));
  assert.deepEqual([names.of("a"), names.of("b")], ["Pump", "b"]);
  assert.deepEqual(asked, ['in(device_uid,"a","b")']);
  away = true;
  names.of("c");
  await new Promise((resolve) => setTimeout(resolve, 80));
  assert.equal(names.of("c"), "c");
});
