import assert from "node:assert/strict";
import { test } from "node:test";
import { chosenTime, deviceHref } from "../device/address.js";
import { href, parse } from "../shell/router.js";

test("no fragment leads to the overview", () => {
  for (const fragment of ["", "#", "#/", "#/overview"]) assert.deepEqual(parse(fragment), { page: "overview", parts: [], query: {} });
});

test("an address carries its parts and its query, there and back, whatever is in them", () => {
  const address = href("releases", ["a/b?c#d", 7], { wave: 2, rql: 'eq(name,"x&y")', none: null, empty: "" });
  assert.deepEqual(parse(address), { page: "releases", parts: ["a/b?c#d", "7"], query: { wave: "2", rql: 'eq(name,"x&y")' } });
});

test("a device's link carries its uid and its span, there and back", () => {
  assert.deepEqual(parse(deviceHref("pump-1")).parts, ["pump-1"]);
  assert.deepEqual(chosenTime(parse(deviceHref("pump-1", 60)).query), { minutes: 60, until: null, resolution: "auto" });
  const until = Date.UTC(2026, 10, 20, 14, 30);
  assert.deepEqual(chosenTime(parse(deviceHref("pump-1", 15, until)).query), { minutes: 15, until, resolution: "auto" });
  assert.equal(chosenTime(parse(deviceHref("pump-1", 10_080, null, "hour")).query).resolution, "hour");
});

test("a span that is too long becomes the shortest, a time that is none is now", () => {
  assert.deepEqual(chosenTime({ until: "yesterday", minutes: "999999", resolution: "none" }), { minutes: 5, until: null, resolution: "auto" });
});

test("an address that cannot be read is of no page, and never an error", () => {
  assert.equal(parse("#/devices/%E0%A4%A").page, "");
});
