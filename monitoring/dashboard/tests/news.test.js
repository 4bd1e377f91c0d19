import assert from "node:assert/strict";
import { test } from "node:test";
import { heardBy } from "../live/news.js";

test("a page asks for no news that the person may not hear, for one such topic refuses all", () => {
  assert.deepEqual(heardBy(["alerts", "presence"], (scope) => scope === "telemetry:read"), ["alerts"]);
  assert.deepEqual(heardBy(["alerts", "presence"], (scope) => scope === "devices:read"), ["presence"]);
});
