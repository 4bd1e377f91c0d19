import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceHref, parse } from "../shell/router.js";

test("no fragment, and the fleet's, lead to the fleet", () => {
  for (const fragment of ["", "#", "#/", "#/fleet"]) assert.deepEqual(parse(fragment), { page: "fleet" });
});

test("a device's link carries its uid and its span, there and back", () => {
  assert.deepEqual(parse(deviceHref("pump-1", 60)), { page: "device", uid: "pump-1", minutes: 60, until: null });
  assert.deepEqual(parse(deviceHref("a/b?c#d")), { page: "device", uid: "a/b?c#d", minutes: 5, until: null });
  const until = Date.UTC(2026, 10, 20, 14, 30);
  assert.deepEqual(parse(deviceHref("pump-1", 15, until)), { page: "device", uid: "pump-1", minutes: 15, until });
});

test("the firmware has a page of its own", () => {
  assert.deepEqual(parse("#/firmware"), { page: "firmware" });
});

test("a span that is not offered becomes the shortest, a time that is none is now", () => {
  assert.equal(parse("#/devices/d?until=yesterday").until, null);
  assert.equal(parse("#/devices/d?minutes=999999").minutes, 5);
});

test("anything else is lost, and never an error", () => {
  for (const fragment of ["#/nowhere", "#/devices", "#/devices/a/b", "#/devices/%E0%A4%A"]) assert.deepEqual(parse(fragment), { page: "lost" });
});
