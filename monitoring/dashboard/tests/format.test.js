import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, byName, bytes, clock, decimalsOf, duration, rate, reading } from "../shell/format.js";

test("a duration is told in its largest fitting unit", () => {
  assert.deepEqual([0, 59_999, 60_000, 3_599_999, 3_600_000, 47 * 3_600_000, 49 * 3_600_000].map(duration),
    ["0 s", "59 s", "1 min", "59 min", "1 h", "47 h", "2 d"]);
});

test("a moment ago is now, and a clock that runs ahead is said to", () => {
  const now = 1_000_000_000;
  assert.equal(ago(now - 500, now), "now");
  assert.equal(ago(now + 30_000, now), "now");
  assert.equal(ago(now - 12_000, now), "12 s ago");
  assert.equal(ago(now + 120_000, now), "clock ahead");
});

test("values keep the digits that say something", () => {
  assert.deepEqual([21.456, 1234.5, 123.45, 0.12345, 42, -3.14159, 0, 1.5e12, 0.00001234].map((value) => reading(value)),
    ["21.46", "1235", "123.5", "0.123", "42", "-3.14", "0", "1.50e+12", "1.23e-5"]);
  assert.deepEqual([84.5, 84, 3.999, -0.0001].map((value) => reading(value)), ["84.5", "84", "4", "-1.00e-4"]);
});

test("a figure that changes keeps the decimals of its metric", () => {
  assert.equal(decimalsOf([84, 84.5, 3.25]), 2);
  assert.equal(decimalsOf([80, 81]), 0);
  assert.equal(decimalsOf([]), 0);
  assert.equal(reading(84, decimalsOf([84.5])), "84.0");
  assert.equal(reading(1234, 2), "1234");
});

test("a yes is a yes and a word stays as it is", () => {
  assert.deepEqual([true, false, "<b>auto</b>"].map((value) => reading(value)), ["yes", "no", "<b>auto</b>"]);
});

test("a rate has a decimal while it is small", () => {
  assert.deepEqual([0, 0.4, 9.96, 24.8, 480.2].map(rate), ["0", "0.4", "10", "25", "480"]);
});

test("the clock has twenty-four hours", () => {
  assert.match(clock(Date.UTC(2026, 10, 21, 22, 5, 9)), /^\d\d.\d\d.\d\d$/);
});

test("a size is told in its fitting unit", () => {
  assert.deepEqual([0, 512, 1_000, 9_949, 38_400_000, 999_600_000, 4e15].map(bytes), ["0 B", "512 B", "1.0 kB", "9.9 kB", "38 MB", "1.0 GB", "4000 TB"]);
});

test("names are in the order of the numbers in them", () => {
  assert.deepEqual(["Pump 10", "Pump 9, Lyon", "Pump 2", "Boiler"].sort(byName), ["Boiler", "Pump 2", "Pump 9, Lyon", "Pump 10"]);
});
