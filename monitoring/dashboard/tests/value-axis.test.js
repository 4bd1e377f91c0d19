import assert from "node:assert/strict";
import { test } from "node:test";
import { padded } from "../device/value-axis.js";

test("there is room above and below what is drawn", () => {
  const [low, high] = padded(null, 10, 20);
  assert.ok(low < 10 && low > 8 && high > 20 && high < 22);
});

test("nothing, and what never changes, has some height", () => {
  assert.deepEqual(padded(null, null, null), [0, 1]);
  assert.deepEqual(padded(null, 0, 0), [-1, 1]);
  assert.deepEqual(padded(null, 100, 100), [95, 105]);
  assert.deepEqual(padded(null, 5e-324, 5e-324), [-1, 1]);
});

test("what differs by the last digits alone is drawn as what never changes, nearly", () => {
  for (const [low, high] of [[0.3, 0.1 + 0.2], [1e15, 1e15 + 0.125], [-1e16 - 2, -1e16]]) {
    const [from, to] = padded(null, low, high);
    assert.ok(to - from > Math.abs(low) * 1e-9);
  }
});
