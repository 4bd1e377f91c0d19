import assert from "node:assert/strict";
import { test } from "node:test";
import { broughtUp, paramsOf } from "../actions/states.js";
import { everyone, queryOf } from "../fleet/target.js";

test("all that match are a query or a group, never both at once", () => {
  assert.deepEqual(everyone(undefined, ""), { rql: "exists(device_uid)" });
  assert.deepEqual(everyone('eq(name,"x")', ""), { rql: 'eq(name,"x")' });
  assert.deepEqual(everyone(undefined, "7"), { group: 7 });
  assert.equal(everyone('eq(name,"x")', "7"), null);
});

test("a few devices are counted by a query, very many are their own count", () => {
  assert.equal(queryOf({ device_uids: ["a", "b"] }), 'in(device_uid,"a","b")');
  assert.equal(queryOf({ device_uids: Array.from({ length: 401 }, String) }), null);
  assert.equal(queryOf({ group: 7 }), null);
});

test("parameters are a JSON object, or it is said what they should look like", () => {
  assert.deepEqual(paramsOf(' {"a": null} '), { a: null });
  assert.deepEqual(paramsOf(" "), {});
  for (const wrong of ["{", "[1]", "null", "3"]) assert.throws(() => paramsOf(wrong), /JSON object/);
});

test("an action is as far as the newest word of it says", () => {
  const read = { action_id: 1, version: 3, state: "pending", progress: null, completed_at: null };
  const heard = (version) => new Map([[1, { version, state: "completed", progress: 100, error: null, attempt: 1, completed_at: 0 }]]);
  assert.equal(broughtUp([read], heard(3))[0].state, "pending");
  assert.deepEqual([broughtUp([read], heard(4))[0].state, broughtUp([read], heard(4))[0].completed_at], ["completed", "1970-01-01T00:00:00.000Z"]);
});
