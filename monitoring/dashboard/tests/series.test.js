import assert from "node:assert/strict";
import { test } from "node:test";
import { Recording, Series, withGaps } from "../device/series.js";

test("samples are kept in the order of their times, each time once", () => {
  const series = new Series();
  for (const [time, value] of [[30, 3], [10, 1], [20, 2], [20, 9], [40, 4]]) series.add(time, value);
  assert.deepEqual(series.times, [10, 20, 30, 40]);
  assert.deepEqual(series.values, [1, 9, 3, 4]);
  assert.equal(series.newest, 40);
});

test("the oldest make room once there are too many", () => {
  const series = new Series(100);
  for (let time = 0; time < 1000; time++) series.add(time, time);
  assert.ok(series.times.length <= 110);
  assert.equal(series.times.at(-1), 999);
  assert.equal(series.times[0], 1000 - series.times.length);
});

test("a span holds both of its ends", () => {
  const series = new Series();
  for (const time of [10, 20, 30, 40]) series.add(time, time);
  assert.deepEqual(series.between(20, 30).times, [20, 30]);
  assert.deepEqual(series.between(41, 50).times, []);
});

test("a recording draws numbers and booleans, not words", () => {
  const recording = new Recording();
  recording.add({ device_uid: "d", ts: 5, metrics: { t: 1.5, open: true, mode: "auto" } });
  recording.add({ ts: "1970-01-01T00:00:00.009Z", metrics: { t: 2 } });
  assert.deepEqual(recording.names(), ["t", "open"]);
  assert.equal(recording.series.get("open").binary, true);
  assert.equal(recording.newest, 9);
});

test("a boolean that turns out to be a number is drawn as one", () => {
  const series = new Series();
  series.add(1, true);
  series.add(2, 5);
  assert.equal(series.binary, false);
  assert.deepEqual(series.values, [1, 5]);
});

test("an unusually long silence breaks the line", () => {
  const samples = { times: [0, 1000, 2000, 60_000, 61_000], values: [1, 2, 3, 4, 5] };
  assert.deepEqual(withGaps(samples, 15_000), { times: [0, 1000, 2000, 2001, 60_000, 61_000], values: [1, 2, 3, null, 4, 5] });
});

test("a device that always pauses long has no gaps", () => {
  const samples = { times: [0, 60_000, 120_000, 180_000], values: [1, 2, 3, 4] };
  assert.deepEqual(withGaps(samples, 15_000), samples);
});

test("nothing and one sample have no gaps", () => {
  assert.deepEqual(withGaps({ times: [], values: [] }, 1), { times: [], values: [] });
  assert.deepEqual(withGaps({ times: [1], values: [2] }, 1), { times: [1], values: [2] });
});

test("a long recording full of silences has a gap in each", () => {
  const pairs = 10_000;
  const times = Array.from({ length: 2 * pairs }, (_, index) => (index >> 1) * 60_000 + (index % 2) * 1_000);
  const { times: broken, values } = withGaps({ times, values: times }, 15_000);
  assert.equal(broken.length, 3 * pairs - 1);
  assert.equal(values.filter((value) => value === null).length, pairs - 1);
});
