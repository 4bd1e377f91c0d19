import assert from "node:assert/strict";
import { test } from "node:test";
import { members, shown } from "../configuration/members.js";
import { changes } from "../device/changes.js";
import { rollupsOf } from "../device/rollups.js";
import { withGaps } from "../device/series.js";

test("members that differ come first, and a side that says nothing is told from null", () => {
  const found = members({ desired: { a: 1, b: null, mode: "fast" }, reported: { a: 1, mode: "slow", extra: true }, drift: { mode: {} } });
  assert.deepEqual(found.map(({ name }) => name), ["mode", "a", "b", "extra"]);
  assert.deepEqual([found[0].drifts, found[2].desired, found[2].reported], [true, null, undefined]);
  assert.deepEqual([shown("x"), shown({ a: 1 })], ["x", '{"a":1}']);
});

test("a change tells both sides, a beginning only what there is", () => {
  assert.deepEqual(changes({ name: "a", tags: [] }, { name: "b", tags: [] }), [{ name: "name", from: "a", to: "b" }]);
  assert.deepEqual(changes(null, { device_type: "pump", serial_number: null, attributes: {} }), [{ name: "device type", from: "", to: "pump" }]);
});

const columns = { metric: "t", ts: [0, 60_000, 300_000], mean: [1, 2, 3], min: [0, 1, 2], max: [2, 3, 4] };

test("of what is summed up the numbers are drawn, with a gap where a bucket is missing", () => {
  const found = rollupsOf({ bucket_s: 60, series: [columns, { ...columns, metric: "text", mean: [null, null, null] }] });
  assert.deepEqual([...found.keys()], ["t"]);
  const rollup = found.get("t");
  assert.deepEqual(rollup.between(1, 300_000).highs, [3, 4]);
  const broken = withGaps({ times: [0, 60_000, 120_000, 600_000], values: [1, 2, 3, 4], highs: [2, 3, 4, 5], lows: [0, 1, 2, 3] }, rollup.gap);
  assert.deepEqual(broken.values, [1, 2, 3, null, 4]);
  assert.deepEqual([broken.times[3], broken.highs[3], broken.lows.length], [120_001, null, 5]);
});
