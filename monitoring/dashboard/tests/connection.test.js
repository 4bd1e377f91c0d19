import assert from "node:assert/strict";
import { test } from "node:test";
import { createConnection } from "../live/connection.js";
import { createFeed } from "../live/feed.js";
import { signal } from "../view.js";

/** A socket on a server of a few lines: `answers` says what it acknowledges, `asked` keeps what it was sent. */
function fakeSocket(asked, answers) {
  const handlers = {};
  const socket = {
    connected: false,
    active: false,
    connects: 0,
    on: (event, handler) => void (handlers[event] = handler),
    timeout: () => ({ emitWithAck: async (event, payload) => (asked.push([event, payload]), answers[event] ?? { ok: true }) }),
    connect() {
      socket.connects += 1;
      socket.active = true;
      return socket;
    },
    disconnect() {
      socket.active = false;
      if (socket.connected) socket.say("disconnect");
      return socket;
    },
    say(event, payload) {
      if (event === "connect") socket.connected = true;
      if (event === "disconnect") socket.connected = false;
      handlers[event](payload);
    },
  };
  return socket;
}

function wired() {
  const asked = [];
  const answers = {};
  const socket = fakeSocket(asked, answers);
  let renewals = 0;
  const session = {
    phase: signal("in"),
    access: signal("a0"),
    token: async () => session.access.value,
    renew: async () => (session.access.value = `a${++renewals}`),
  };
  const feed = createFeed();
  const handshake = {};
  const connection = createConnection({ session, feed, io: (options) => Object.assign(handshake, options) && socket });
  return { asked, answers, socket, session, feed, connection, handshake };
}

const settled = () => new Promise(setImmediate);

test("it connects while somebody is signed in, with a token of that moment", async () => {
  const { socket, session, handshake, connection } = wired();
  assert.equal(socket.connects, 1);
  const given = await new Promise((resolve) => handshake.auth(resolve));
  assert.deepEqual(given, { token: "a0" });
  session.phase.value = "out";
  assert.equal(socket.active, false);
  assert.equal(connection.status.value, "idle");
});

test("a page's subscription is asked for on every connect", async () => {
  const { asked, socket, connection } = wired();
  connection.watch({});
  socket.say("connect");
  await settled();
  assert.equal(connection.status.value, "live");
  socket.say("disconnect");
  assert.equal(connection.status.value, "connecting");
  socket.say("connect");
  await settled();
  assert.deepEqual(asked, [["subscribe", {}], ["subscribe", {}]]);
});

test("going to another page leaves the old rooms before it enters the new", async () => {
  const { asked, socket, connection } = wired();
  const leave = connection.watch({});
  socket.say("connect");
  await settled();
  leave();
  connection.watch({ devices: ["d"] });
  await settled();
  assert.deepEqual(asked.slice(1), [["unsubscribe", {}], ["subscribe", { devices: ["d"] }]]);
});

test("snapshots and frames reach the feed", () => {
  const { socket, feed, connection } = wired();
  socket.say("snapshot", { presence: [{ device_uid: "d", online: true, since: 1, version: 1 }], telemetry: [{ device_uid: "d", ts: 1, metrics: { t: 1 } }] });
  socket.say("telemetry", { items: [{ device_uid: "d", ts: 2, metrics: { t: 2 } }] });
  socket.say("presence", { items: [{ device_uid: "d", online: false, since: 3, version: 2 }] });
  const update = { device_uid: "d", session_id: "s", counter: 1, version: 1, state: "downloading", progress: 10 };
  socket.say("snapshot", { updates: [update] });
  socket.say("update", { items: [{ ...update, version: 2, progress: 20 }] });
  assert.equal(feed.device("d").update.value.progress, 20);
  assert.equal(connection.snapshots.value, 2);
  assert.equal(feed.device("d").reading.value.ts, 2);
  assert.equal(feed.online.value, 0);
});

test("what ended while nobody listened is over with the last part of a snapshot of all, and not with one of a device", async () => {
  const { socket, feed, connection } = wired();
  const alert = (alert_id) => ({ alert_id, version: 1, state: "active" });
  const open = () => [...feed.alerts.items.value.keys()];
  feed.alerts.take([alert("a"), alert("b"), alert("c")]);
  const leave = connection.watch({ devices: ["d"] });
  socket.say("connect");
  await settled();
  socket.say("snapshot", { alerts: [alert("a")] });
  assert.deepEqual(open(), ["a", "b", "c"]);
  leave();
  connection.watch({});
  await settled();
  socket.say("snapshot", { alerts: [alert("a")], last: false });
  assert.deepEqual(open(), ["a", "b", "c"]);
  socket.say("snapshot", { alerts: [alert("b")], last: true });
  assert.deepEqual(open(), ["a", "b"]);
});

test("a renewed token is handed to the live connection", async () => {
  const { asked, socket, session } = wired();
  socket.say("connect");
  await session.renew();
  await settled();
  assert.deepEqual(asked.at(-1), ["authenticate", { token: "a1" }]);
});

test("a refusal is followed by another try, with a renewed token", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { socket, session, connection } = wired();
  socket.active = false;
  socket.say("connect_error");
  assert.equal(connection.status.value, "connecting");
  t.mock.timers.tick(1_000);
  await settled();
  assert.equal(session.access.value, "a1");
  assert.equal(socket.connects, 2);
  socket.active = false;
  socket.say("connect_error");
  t.mock.timers.tick(1_999);
  await settled();
  assert.equal(socket.connects, 2);
  t.mock.timers.tick(1);
  await settled();
  assert.equal(socket.connects, 3);
});

test("a refused subscription is not taken for a live one, and asked for again", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { answers, socket, connection } = wired();
  answers.subscribe = { ok: false };
  connection.watch({});
  socket.say("connect");
  await settled();
  assert.equal(connection.status.value, "connecting");
  delete answers.subscribe;
  t.mock.timers.tick(1_000);
  await settled();
  assert.equal(connection.status.value, "live");
  assert.equal(socket.connects, 1);
});

test("a page that watches nothing is live too, though the one before was left in the middle of its question", async () => {
  const { socket, connection } = wired();
  const leave = connection.watch({});
  socket.say("connect");
  leave();
  await settled();
  assert.equal(connection.status.value, "live");
});

test("a subscription is waited for while its snapshot comes in, and given up when nothing does", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { answers, asked, socket, connection } = wired();
  answers.subscribe = new Promise(() => {});
  connection.watch({});
  socket.say("connect");
  await settled();
  for (let part = 0; part < 5; part++) {
    t.mock.timers.tick(9_000);
    await settled();
    socket.say("snapshot", { last: false });
    assert.equal(connection.status.value, "reading");
  }
  assert.equal(asked.length, 1);
  t.mock.timers.tick(10_000);
  await settled();
  assert.equal(connection.status.value, "connecting");
  answers.subscribe = { ok: true };
  t.mock.timers.tick(1_000);
  await settled();
  assert.equal(asked.length, 2);
  assert.equal(connection.status.value, "live");
});
