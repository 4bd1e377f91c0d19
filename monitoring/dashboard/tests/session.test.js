import assert from "node:assert/strict";
import { test } from "node:test";
import { createSession, renewalDelay } from "../auth/session.js";
import { ApiError } from "../rest.js";

const ME = { id: 1, email: "ada@example.com", name: "Ada", organization: { id: 1, name: "North", slug: "north" }, scopes: [] };

/** A session on a platform of a few lines, with its clock and its timers in the test's hands. */
function onPlatform({ refresh = undefined, stored = null } = {}) {
  const kept = new Map(stored ? [["muster.refresh", stored]] : []);
  const calls = [];
  const timers = [];
  const outside = { time: 0 };
  let issued = 0;
  const tokens = () => ({ access_token: `a${++issued}`, refresh_token: `r${issued}`, expires_in: 900 });
  const session = createSession({
    storage: { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) },
    call: async (path, options = {}) => {
      calls.push(path);
      await null;
      if (path === "/auth/refresh") return refresh ? refresh(tokens) : tokens();
      if (path === "/auth/login" && options.form.password !== "right") throw new ApiError(401, "bad_credentials", "No.");
      return path === "/auth/login" || path === "/auth/password" ? tokens() : path === "/auth/me" ? ME : null;
    },
    now: () => outside.time,
    schedule: (run, ms) => timers.push({ run, ms }),
    cancel: () => {},
  });
  return { session, kept, calls, timers, outside };
}

test("a token is renewed a minute ahead, or after four fifths of a short life", () => {
  assert.equal(renewalDelay(900_000), 840_000);
  assert.equal(renewalDelay(60_000), 48_000);
});

test("signing in keeps the refresh token for a reload and the access token in memory only", async () => {
  const { session, kept, timers } = onPlatform();
  await session.signIn("ada@example.com", "right");
  assert.equal(session.phase.value, "in");
  assert.deepEqual([...kept.values()], ["r1"]);
  assert.equal(await session.token(), "a1");
  assert.equal(timers.at(-1).ms, 840_000);
});

test("a wrong password leaves nothing behind", async () => {
  const { session, kept } = onPlatform();
  await session.resume();
  await assert.rejects(session.signIn("ada@example.com", "wrong"), { status: 401 });
  assert.equal(session.phase.value, "out");
  assert.equal(kept.size, 0);
});

test("a reload goes on with the session", async () => {
  const { session, kept } = onPlatform({ stored: "r0" });
  await session.resume();
  assert.equal(session.phase.value, "in");
  assert.equal(session.person.value.name, "Ada");
  assert.equal(kept.get("muster.refresh"), "r1");
});

test("however many need a token, one request renews it", async () => {
  const { session, calls } = onPlatform({ stored: "r0" });
  assert.deepEqual(await Promise.all([session.token(), session.token(), session.renew()]), ["a1", "a1", "a1"]);
  assert.equal(calls.filter((path) => path === "/auth/refresh").length, 1);
});

test("a token past its renewal is not handed out", async () => {
  const { session, outside } = onPlatform();
  await session.signIn("ada@example.com", "right");
  outside.time = 850_000;
  assert.equal(await session.token(), "a2");
});

test("a refused refresh token ends the session, with a reason", async () => {
  const { session, kept } = onPlatform({ stored: "r0", refresh: () => { throw new ApiError(401, "refresh_invalid", "No."); } });
  await session.resume();
  assert.equal(session.phase.value, "out");
  assert.match(session.ended.value, /ended/);
  assert.equal(kept.size, 0);
});

test("a platform that is away ends nothing, and is asked again", async () => {
  let away = true;
  const { session, kept, timers } = onPlatform({
    refresh: (tokens) => { if (away) throw new ApiError(0, "unreachable", "Away."); return tokens(); },
  });
  await session.signIn("ada@example.com", "right");
  timers.at(-1).run();
  await new Promise(setImmediate);
  assert.equal(session.phase.value, "in");
  assert.equal(kept.get("muster.refresh"), "r1");
  assert.equal(timers.at(-1).ms, 5_000);
  away = false;
  timers.at(-1).run();
  await new Promise(setImmediate);
  assert.equal(kept.get("muster.refresh"), "r2");
});

test("an answer that comes after signing out brings nobody back", async () => {
  const { session, kept } = onPlatform();
  await session.signIn("ada@example.com", "right");
  const late = session.renew();
  await session.signOut();
  await assert.rejects(late, { code: "signed_out" });
  assert.equal(session.phase.value, "out");
  assert.equal(session.access.value, null);
  assert.equal(kept.size, 0);
});

test("a new password has new tokens, but not for one who has signed out meanwhile", async () => {
  const { session, kept } = onPlatform();
  await session.signIn("ada@example.com", "right");
  await session.changePassword("right", "longer than before");
  assert.equal(kept.get("muster.refresh"), "r2");
  const changing = session.changePassword("longer than before", "right again");
  await Promise.all([session.signOut(), changing]);
  assert.equal(session.phase.value, "out");
  assert.equal(kept.size, 0);
});
