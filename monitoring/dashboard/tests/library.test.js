import assert from "node:assert/strict";
import { test } from "node:test";
import { createLibrary, newestFirst, suggested } from "../firmware/library.js";

test("every page of the firmware is read, and the newest comes first", async () => {
  const library = createLibrary({
    get: async (_, { cursor }) => ({ items: [{ id: Number(cursor ?? 0) }], next: Number(cursor ?? 0) < 2 ? String(Number(cursor ?? 0) + 1) : null }),
  });
  for (let times = 0; times < 2; times++) {
    await library.load();
    assert.deepEqual(newestFirst(library.items.value).map(({ id }) => id), [2, 1, 0]);
  }
});

test("a file's name suggests a name and a version", () => {
  assert.deepEqual(suggested("pump-firmware-2.0.1.bin"), { name: "pump-firmware", version: "2.0.1" });
  assert.deepEqual(suggested("gateway_v3.4.0-rc.1.tar.gz"), { name: "gateway", version: "3.4.0-rc.1" });
  assert.deepEqual(suggested("board-2024-1.3.bin"), { name: "board-2024", version: "1.3" });
  assert.deepEqual(suggested("board-2.0-3.bin"), { name: "board", version: "2.0-3" });
  assert.deepEqual(suggested("sensor 12.img"), { name: "sensor", version: "12" });
  assert.deepEqual(suggested("image.swu"), { name: "image", version: "" });
  assert.deepEqual(suggested("2.0.1"), { name: "2.0.1", version: "" });
});
