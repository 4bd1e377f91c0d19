import assert from "node:assert/strict";
import { test } from "node:test";
import { arrange } from "../overview/arrange.js";

test("every device has a cell, in a field of any size, while cells can be seen", () => {
  for (const count of [1, 7, 25, 100, 999]) {
    for (const [width, height] of [[800, 72], [320, 72], [1200, 90]]) {
      const { pitch, columns, shown } = arrange(count, width, height);
      assert.ok(shown <= count && columns * pitch <= width);
      if (shown === count) assert.ok(Math.ceil(count / columns) * pitch <= height);
      else assert.equal(pitch, 5);
    }
  }
});

test("few devices get large cells", () => {
  assert.ok(arrange(25, 800, 72).pitch > arrange(500, 800, 72).pitch);
});

test("more devices than a field can hold fill it", () => {
  assert.equal(arrange(1_000_000, 100, 50).shown, 200);
});
