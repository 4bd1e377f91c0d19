import assert from "node:assert/strict";
import { test } from "node:test";
import { createOnce } from "../once.js";

test("the same body has the same key, and another one another", () => {
  const [once, other] = [createOnce(), createOnce()];
  const key = once({ name: "Spring" });
  assert.match(key, /^[0-9a-z]{8,}$/);
  assert.equal(once({ name: "Spring" }), key);
  assert.notEqual(once({ name: "Summer" }), key);
  assert.notEqual(other({ name: "Spring" }), key);
});
