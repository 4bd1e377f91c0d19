import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, filtersOf, isRql, positionIn, rqlOf } from "../fleet/filters.js";

const asked = (query, updating = []) => rqlOf(filtersOf(query), updating);

test("without a filter every device is wanted", () => {
  assert.equal(asked({}), undefined);
  assert.equal(asked({ search: "  ", show: "everything", lifecycle: "gone", group: "x" }), undefined);
});

test("every word must stand somewhere, and is a text whatever is in it", () => {
  assert.equal((asked({ search: "cold store" }).match(/^and\(or\(.+\),or\(.+\)\)$/) ?? []).length, 1);
  assert.match(asked({ search: 'a"b\\' }), /ilike\(name,"\*a\\"b\\\\\*"\)/);
});

test("RQL is told from words and goes as it was typed, before the other filters", () => {
  assert.ok(isRql(' eq(name,"x")') && !isRql("pump (north)") && !isRql("eq"));
  assert.equal(asked({ search: 'eq(name,"x")' }), 'eq(name,"x")');
  assert.equal(asked({ search: 'eq(name,"x")', lifecycle: "deployed", tag: "n" }), 'and(eq(name,"x"),eq(lifecycle,"deployed"),eq(tags,"n"))');
});

test("a device is there, or was, or never was: each is in one filter", () => {
  assert.deepEqual(["online", "offline", "never connected"].map((show) => asked({ show })), ["eq(online,true)", "eq(online,false)", "eq(online,null)"]);
});

test("those that are being updated are named, and none is found while there are none", () => {
  assert.equal(asked({ show: "updating" }, ["a", "b"]), 'in(device_uid,"a","b")');
  assert.equal(asked({ show: "updating" }), 'in(device_uid,"")');
});

test("the place of an error is told in what was typed", () => {
  const filters = filtersOf({ search: "eq(nme,1)", show: "offline" });
  const rql = rqlOf(filters, []);
  assert.equal(rql.slice(4 + 3, 4 + 6), "nme");
  assert.equal(positionIn(filters, rql, 7), 3);
  assert.equal(positionIn(filters, rql, 999), 9);
});

test("the address keeps the filters, there and back", () => {
  const filters = filtersOf({ search: "pump", show: "offline", lifecycle: "deployed", type: "sensor", tag: "north", group: "7" });
  assert.deepEqual(filtersOf(addressOf(filters)), filters);
});
