import assert from "node:assert/strict";
import { test } from "node:test";
import { Rate } from "../live/rate.js";

test("the rate is the mean of the last whole seconds", () => {
  const rate = new Rate();
  for (let second = 100; second < 110; second++) rate.add(20, second * 1000 + 500);
  assert.equal(rate.perSecond(110_000), 20);
});

test("the running second does not pull the rate down", () => {
  const rate = new Rate();
  for (let second = 100; second < 103; second++) rate.add(9, second * 1000);
  rate.add(1, 103_000);
  assert.equal(rate.perSecond(103_100), 9);
});

test("silence counts as silence", () => {
  const rate = new Rate();
  rate.add(50, 100_000);
  assert.equal(rate.perSecond(102_000), 25);
  assert.equal(rate.perSecond(107_000), 0);
  assert.equal(rate.perSecond(1_000_000), 0);
});

test("nothing ever heard is zero", () => {
  assert.equal(new Rate().perSecond(5_000), 0);
});

test("the history is a minute long, oldest first", () => {
  const rate = new Rate();
  rate.add(1, 100_000);
  rate.add(2, 101_000);
  const history = rate.history(102_000);
  assert.equal(history.length, 59);
  assert.deepEqual(history.slice(-2), [1, 2]);
});

test("a count that is older than the window is dropped", () => {
  const rate = new Rate();
  rate.add(1, 200_000);
  rate.add(5, 100_000);
  assert.equal(rate.history(201_000).reduce((sum, count) => sum + count, 0), 1);
});
