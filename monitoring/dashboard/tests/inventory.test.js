import assert from "node:assert/strict";
import { test } from "node:test";
import { createInventory } from "../fleet/inventory.js";

/** A platform with `count` devices, in pages of a hundred. */
function platform(count) {
  const held = { count, asked: 0 };
  const api = {
    get: async (_, { cursor }) => {
      held.asked += 1;
      const from = Number(cursor ?? 0);
      const items = Array.from({ length: Math.min(100, held.count - from) }, (_, index) => ({ id: from + index }));
      return { items, next: from + 100 < held.count ? String(from + 100) : null };
    },
  };
  return { held, inventory: createInventory(api) };
}

test("the list grows by a page at a time until there is no next", async () => {
  const { inventory } = platform(250);
  await inventory.load();
  await inventory.more();
  assert.equal(inventory.devices.value.length, 200);
  assert.notEqual(inventory.next.value, null);
  await inventory.more();
  assert.equal(inventory.devices.value.length, 250);
  assert.equal(inventory.next.value, null);
});

test("reading anew goes as far as was read before", async () => {
  const { inventory, held } = platform(150);
  await inventory.load();
  await inventory.more();
  held.count = 160;
  await inventory.load();
  assert.equal(inventory.devices.value.length, 160);
});

test("a failure keeps what is shown, and the next try clears it", async () => {
  let fail = true;
  const inventory = createInventory({ get: async () => { if (fail) throw new Error("away"); return { items: [{ id: 1 }], next: null }; } });
  await inventory.load();
  assert.equal(inventory.error.value.message, "away");
  assert.equal(inventory.phase.value, "empty");
  fail = false;
  await inventory.load();
  assert.equal(inventory.error.value, null);
  assert.equal(inventory.devices.value.length, 1);
});

test("readings asked for while one is under way are made as one, after it", async () => {
  const { inventory, held } = platform(5);
  const first = inventory.load();
  held.count = 6;
  await Promise.all([first, inventory.load(), inventory.load()]);
  assert.equal(held.asked, 2);
  assert.equal(inventory.devices.value.length, 6);
});

test("an answer that comes after clearing is dropped", async () => {
  const { inventory } = platform(5);
  const pending = inventory.load();
  inventory.clear();
  await pending;
  assert.equal(inventory.devices.value.length, 0);
  assert.equal(inventory.phase.value, "empty");
});
