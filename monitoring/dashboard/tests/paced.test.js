import assert from "node:assert/strict";
import { test } from "node:test";
import { paced } from "../live/paced.js";
import { createResource } from "../resource.js";

test("what is asked for often is done at once and then at its pace, and never left undone", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  let runs = 0;
  const call = paced(() => (runs += 1), 2_000);
  for (let times = 0; times < 5; times++) call();
  assert.equal(runs, 1);
  t.mock.timers.tick(1_999);
  assert.equal(runs, 1);
  t.mock.timers.tick(1);
  assert.equal(runs, 2);
  t.mock.timers.tick(10_000);
  assert.equal(runs, 2);
  call();
  assert.equal(runs, 3);
});

test("what is stopped is not done any more", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  let runs = 0;
  const call = paced(() => (runs += 1), 2_000);
  call();
  call();
  call.stop();
  t.mock.timers.tick(5_000);
  assert.equal(runs, 1);
});

test("a resource asked for while it is read is read once more, and keeps what it has when a reading fails", async () => {
  const answers = [];
  const resource = createResource(() => new Promise((resolve, reject) => answers.push({ resolve, reject })));
  const settled = () => new Promise(setImmediate);
  const done = resource.load();
  resource.load();
  resource.load();
  answers[0].resolve(1);
  await settled();
  assert.equal(resource.value.value, 1);
  assert.equal(answers.length, 2);
  answers[1].reject(new Error("away"));
  await done;
  assert.equal(resource.value.value, 1);
  assert.equal(resource.error.value.message, "away");
});
