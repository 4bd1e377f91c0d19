import assert from "node:assert/strict";
import { test } from "node:test";
import { openAtFirst, rowsOf, step } from "../releases/tree-rows.js";

const app = { id: "app:edge", type: "app", name: "edge" };
const bundle = { id: "bundle:shared", type: "bundle", name: "Bundle", apps: [app] };
const cluster = (name) => ({ id: `cluster:${name}`, type: "cluster", name, bundle });
const wave = (name, state = "scheduled") => ({ id: `wave:${name}`, type: "wave", name, state, clusters: [cluster(`${name}-a`), cluster(`${name}-b`)] });
const release = { id: "release:r", type: "release", name: "R", waves: [wave("one", "completed"), wave("two", "running"), wave("three")] };

const shown = (open) => rowsOf(release, new Set(open)).map(({ node, level, place, siblings }) => `${"  ".repeat(level - 1)}${node.name} ${place}/${siblings}`);

test("closed parts show nothing of what is below them", () => {
  assert.deepEqual(shown([]), ["one 1/3", "two 2/3", "three 3/3"]);
  assert.deepEqual(shown(["wave:two"]), ["one 1/3", "two 2/3", "  two-a 1/2", "  two-b 2/2", "three 3/3"]);
});

test("a bundle that two clusters share opens under one of them alone", () => {
  const open = ["wave:two", "wave:two cluster:two-a", "wave:two cluster:two-a bundle:shared"];
  assert.deepEqual(shown(open), ["one 1/3", "two 2/3", "  two-a 1/2", "    Bundle 1/1", "      edge 1/1", "  two-b 2/2", "three 3/3"]);
  const keys = rowsOf(release, new Set([...open, "wave:two cluster:two-b"])).map(({ key }) => key);
  assert.equal(new Set(keys).size, keys.length);
});

test("what is under way is open at first, else the first wave", () => {
  assert.deepEqual([...openAtFirst(release)], ["wave:two"]);
  assert.deepEqual([...openAtFirst({ ...release, waves: [wave("one", "draft"), wave("two", "draft")] })], ["wave:one"]);
  assert.deepEqual([...openAtFirst({ ...release, waves: [] })], []);
});

test("the arrow keys walk, open and close, and stop at the ends", () => {
  const rows = rowsOf(release, new Set(["wave:two"]));
  assert.deepEqual(step(rows, "wave:one", "ArrowDown"), { focus: "wave:two" });
  assert.deepEqual(step(rows, "wave:one", "ArrowUp"), { focus: "wave:one" });
  assert.deepEqual(step(rows, "wave:three", "ArrowDown"), { focus: "wave:three" });
  assert.deepEqual(step(rows, "wave:one", "ArrowRight"), { toggle: "wave:one" });
  assert.deepEqual(step(rows, "wave:two", "ArrowRight"), { focus: "wave:two cluster:two-a" });
  assert.deepEqual(step(rows, "wave:two", "ArrowLeft"), { toggle: "wave:two" });
  assert.deepEqual(step(rows, "wave:two cluster:two-b", "ArrowLeft"), { focus: "wave:two" });
  assert.deepEqual(step(rows, "wave:one", "ArrowLeft"), {});
  assert.deepEqual(step(rows, "wave:two", "End"), { focus: "wave:three" });
  assert.deepEqual(step(rows, "wave:two", "Home"), { focus: "wave:one" });
  assert.deepEqual(step(rows, "wave:two", " "), { toggle: "wave:two" });
  assert.equal(step(rows, "wave:two", "x"), null);
});
