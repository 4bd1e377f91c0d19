import assert from "node:assert/strict";
import { test } from "node:test";
import { upload } from "../upload.js";

/** A request that does what the test says. */
function fakeRequest() {
  const xhr = {
    upload: {},
    headers: {},
    status: 0,
    responseText: "",
    open: (method, address) => void (xhr.opened = `${method} ${address}`),
    setRequestHeader: (name, value) => void (xhr.headers[name] = value),
    send: (form) => void (xhr.sent = form),
    abort: () => xhr.onabort(),
    answer(status, body) {
      xhr.status = status;
      xhr.responseText = typeof body === "string" ? body : JSON.stringify(body);
      xhr.onload();
    },
  };
  return xhr;
}

function begun(options = {}) {
  const xhr = fakeRequest();
  const form = new FormData();
  const pending = upload("/firmware", form, { token: "t", request: () => xhr, ...options });
  return { xhr, form, pending };
}

test("the form goes with the token, and the answer is decoded", async () => {
  const { xhr, form, pending } = begun();
  assert.equal(xhr.opened, "POST /api/v2/firmware");
  assert.equal(xhr.headers.Authorization, "Bearer t");
  assert.equal(xhr.sent, form);
  xhr.answer(201, { id: 7 });
  assert.deepEqual(await pending, { id: 7 });
});

test("progress is told in bytes, and that all of it is sent", async () => {
  const told = [];
  const { xhr, pending } = begun({ onProgress: (sent, total) => told.push([sent, total]) });
  xhr.upload.onprogress({ loaded: 10, total: 30 });
  xhr.upload.onload({ loaded: 30, total: 30 });
  xhr.answer(201, {});
  await pending;
  assert.deepEqual(told, [[10, 30], [30, 30]]);
});

test("a refusal is a problem with its code and the places in the form", async () => {
  const { xhr, pending } = begun();
  xhr.answer(422, { code: "validation_failed", detail: "Not the shape.", errors: [{ location: ["body", "version"], message: "letters only" }] });
  await assert.rejects(pending, { status: 422, code: "validation_failed", places: [{ location: ["body", "version"], message: "letters only" }] });
});

test("a connection that breaks is told as such", async () => {
  const { xhr, pending } = begun();
  xhr.onerror();
  await assert.rejects(pending, { code: "upload_broken", passing: true });
});

test("whoever aborts hears of that, not of a failure", async () => {
  const abort = new AbortController();
  const { pending } = begun({ signal: abort.signal });
  abort.abort();
  await assert.rejects(pending, { name: "AbortError" });
  await assert.rejects(begun({ signal: abort.signal }).pending, { name: "AbortError" });
});

test("an upload that moves no more is given up, one that moves is not", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { xhr, pending } = begun();
  for (let sent = 1; sent <= 3; sent++) {
    t.mock.timers.tick(29_000);
    xhr.upload.onprogress({ loaded: sent, total: 9 });
  }
  t.mock.timers.tick(30_000);
  await assert.rejects(pending, { code: "timeout" });
});
