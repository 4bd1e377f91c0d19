import assert from "node:assert/strict";
import { test } from "node:test";
import { segments } from "../device/segments.js";

const at = (hour) => new Date(Date.UTC(2026, 0, 1, hour)).toISOString();

test("a history is cut to its window, and what lasts goes on to its end", () => {
  const items = [
    { online: true, since: at(15), until: null },
    { online: false, since: at(12), until: at(15) },
    { online: true, since: at(5), until: at(12) },
  ];
  assert.deepEqual(segments({ from: at(10), to: at(20), known_from: at(5), items }), [
    { online: true, from: 500, width: 500 },
    { online: false, from: 200, width: 300 },
    { online: true, from: 0, width: 200 },
  ]);
});

test("what lies outside of the window has no part", () => {
  assert.deepEqual(segments({ from: at(10), to: at(20), known_from: at(1), items: [{ online: true, since: at(1), until: at(10) }] }), []);
});

test("the line begins where something is known", () => {
  const items = [
    { online: true, since: at(19), until: null },
    { online: false, since: at(18), until: at(19) },
  ];
  assert.deepEqual(segments({ from: at(10), to: at(20), known_from: at(18), items }), [
    { online: true, from: 500, width: 500 },
    { online: false, from: 0, width: 500 },
  ]);
});
