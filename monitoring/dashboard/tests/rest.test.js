import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, call, createApi } from "../rest.js";

const answer = (status, body) => async () => new Response(body === null ? null : JSON.stringify(body), { status });

test("a problem document becomes an error with its code and its words", async () => {
  const fetch = answer(409, { code: "device_uid_taken", detail: "That uid is taken." });
  await assert.rejects(call("/devices", { fetch }), { status: 409, code: "device_uid_taken", message: "That uid is taken." });
});

test("what the platform says is read as a sentence", async () => {
  await assert.rejects(call("/updates", { fetch: answer(409, { code: "x", detail: "the file is empty" }) }), { message: "The file is empty." });
});

test("a proxy's page is an error too", async () => {
  const fetch = async () => new Response("<html>Bad gateway</html>", { status: 502 });
  await assert.rejects(call("/devices", { fetch }), (error) => error instanceof ApiError && error.passing && error.code === "http_502");
});

test("no answer at all can be tried again", async () => {
  const fetch = async () => { throw new TypeError("fetch failed"); };
  await assert.rejects(call("/devices", { fetch }), (error) => error.code === "unreachable" && error.passing);
});

test("whoever aborts hears of that, not of a failure", async () => {
  const abort = new AbortController();
  const fetch = (_, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const pending = call("/devices", { fetch, signal: abort.signal });
  abort.abort();
  await assert.rejects(pending, { name: "AbortError" });
});

test("an answer without a body is null", async () => {
  assert.equal(await call("/auth/logout", { method: "POST", fetch: answer(204, null) }), null);
});

test("what a query does not give is left out of the address", async () => {
  const asked = [];
  const fetch = async (url) => { asked.push(url); return new Response("{}"); };
  await call("/devices", { fetch, query: { limit: 100, cursor: null, device_uid: undefined } });
  await call("/devices", { fetch });
  assert.deepEqual(asked, ["/api/v2/devices?limit=100", "/api/v2/devices"]);
});

test("a refused token is renewed once and the call made again", async (t) => {
  const tokens = [];
  t.mock.method(globalThis, "fetch", async (_, { headers }) => {
    tokens.push(headers.Authorization);
    return new Response(JSON.stringify({ items: [], next: null }), { status: tokens.length === 1 ? 401 : 200 });
  });
  const api = createApi({ token: async () => "old", renew: async () => "new" });
  assert.deepEqual(await api.get("/devices"), { items: [], next: null });
  assert.deepEqual(tokens, ["Bearer old", "Bearer new"]);
});

test("pages follow the cursor to the end", async (t) => {
  const asked = [];
  t.mock.method(globalThis, "fetch", async (url) => {
    asked.push(url);
    return new Response(JSON.stringify({ items: [asked.length], next: asked.length < 3 ? `c${asked.length}` : null }));
  });
  const api = createApi({ token: async () => "t", renew: async () => "t" });
  const found = [];
  for await (const items of api.pages("/devices", { limit: 1 })) found.push(...items);
  assert.deepEqual(found, [1, 2, 3]);
  assert.deepEqual(asked, ["/api/v2/devices?limit=1", "/api/v2/devices?limit=1&cursor=c1", "/api/v2/devices?limit=1&cursor=c2"]);
});

test("a change names the version that it was made from, and what is sent again its key", async () => {
  const sent = [];
  const fetch = async (url, { method, headers }) => { sent.push([method, url, headers["If-Match"], headers["Idempotency-Key"]]); return new Response("{}"); };
  await call("/sites/7", { method: "PATCH", json: {}, version: 3, fetch });
  await call("/releases", { method: "POST", json: {}, once: "k", query: { dry_run: true }, fetch });
  assert.deepEqual(sent, [["PATCH", "/api/v2/sites/7", '"3"', undefined], ["POST", "/api/v2/releases?dry_run=true", undefined, "k"]]);
});
