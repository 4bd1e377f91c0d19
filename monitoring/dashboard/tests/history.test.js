import assert from "node:assert/strict";
import { test } from "node:test";
import { readHistory, windows } from "../device/history.js";

const MINUTE = 60_000;

test("a span is read in windows that cover it, the newest first", () => {
  const parts = windows(0, 12 * MINUTE);
  assert.deepEqual(parts, [
    { from: 7 * MINUTE, to: 12 * MINUTE },
    { from: 2 * MINUTE, to: 7 * MINUTE },
    { from: 0, to: 2 * MINUTE },
  ]);
});

test("an empty span asks nothing", () => {
  assert.deepEqual(windows(10, 10), []);
});

test("every page of every window is read", async () => {
  const asked = [];
  const api = {
    async *pages(path, query) {
      asked.push([path, query]);
      yield [{ ts: query.from }];
      yield [{ ts: query.to }];
    },
  };
  const found = [];
  for await (const items of readHistory({ api, uid: "d", from: 0, to: 7 * MINUTE, signal: new AbortController().signal })) found.push(...items);
  assert.equal(found.length, 4);
  assert.deepEqual(asked.map(([path, query]) => [path, query.device_uid, query.from]), [
    ["/telemetry", "d", "1970-01-01T00:02:00.000Z"],
    ["/telemetry", "d", "1970-01-01T00:00:00.000Z"],
  ]);
});
