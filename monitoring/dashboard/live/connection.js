/**
 * The Socket.IO connection: signs in with a fresh token each time it connects, keeps one subscription alive across
 * reconnects, and passes snapshots and frames to the feed. It never gives up while somebody is signed in.
 */

import { effect, signal } from "../view.js";
import { io as connectSocket } from "../vendor/socket.io.js";

/** A question of which nothing has come for this long, neither its answer nor a part of a snapshot, is given up. */
const ACK_MS = 10_000;
/** A subscription is answered behind its snapshot, which takes as long as the fleet is large. */
const WHOLE_MS = 600_000;
const RETRY_MS = [1_000, 2_000, 5_000, 10_000];

/** @typedef {"idle" | "connecting" | "reading" | "live"} LiveStatus  `reading` while the first snapshot of a connection comes in */
/** @typedef {{devices?: string[], topics?: string[]}} Target  the whole organization when `devices` is absent; without `topics` every one the person may see */

/**
 * @param {object} parts
 * @param {import("../auth/session.js").Session} parts.session
 * @param {import("./feed.js").Feed} parts.feed
 * @param {(options: object) => any} [parts.io]
 */
export function createConnection({ session, feed, io = connectSocket }) {
  const status = signal(/** @type {LiveStatus} */ ("idle"));
  /** When `status` last changed, by this machine's clock. */
  const since = signal(Date.now());
  /** Grows with every snapshot, a large fleet's only with its last part: what was read before it may have a gap. */
  const snapshots = signal(0);
  /** @type {Target | null} */
  let target = null;
  /** What the server was last asked for: its snapshots tell of that. @type {Target | null} */
  let subscribed = null;
  /** The collections that the snapshot under way tells all of; null between snapshots. @type {{note(): void, forgetOthers(): void}[] | null} */
  let told = null;
  let attempts = 0;
  /** Gives up what was asked for last. @type {ReturnType<typeof setTimeout> | undefined} */
  let silence;
  let giveUp = () => {};
  /** @type {Promise<unknown>} */
  let turn = Promise.resolve();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  const socket = io({
    autoConnect: false,
    timeout: ACK_MS,
    reconnectionDelay: RETRY_MS[0],
    reconnectionDelayMax: 5_000,
    auth: (/** @type {(data: object) => void} */ give) => session.token().then((token) => give({ token }), () => give({ token: "" })),
  });

  /** @param {LiveStatus} next */
  function become(next) {
    if (status.peek() === next) return;
    since.value = Date.now();
    status.value = next;
  }

  /** How long to wait before the next try: longer each time. */
  const pause = () => RETRY_MS[Math.min(attempts++, RETRY_MS.length - 1)];

  /** Connects anew after a refusal, with a token that is renewed first. */
  function retry() {
    become("connecting");
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (session.phase.peek() !== "in") return;
      session.renew().catch(() => null).finally(() => {
        if (session.phase.peek() === "in") socket.connect();
      });
    }, pause());
  }

  /** Something has come of what was asked for: its answer may take as long again. */
  function hear() {
    clearTimeout(silence);
    silence = setTimeout(() => giveUp(), ACK_MS);
  }

  /**
   * @param {string} event
   * @param {object} payload
   * @returns {Promise<{ok: boolean}>}
   */
  async function answerTo(event, payload) {
    hear();
    try {
      const given = new Promise((resolve) => (giveUp = () => resolve({ ok: false })));
      return await Promise.race([socket.timeout(WHOLE_MS).emitWithAck(event, payload), given]);
    } catch {
      return { ok: false };
    } finally {
      clearTimeout(silence);
      silence = undefined;
    }
  }

  /**
   * One question at a time: the server may handle two of a connection side by side, and the later could win.
   * @param {string} event
   * @param {object} payload
   * @returns {Promise<{ok: boolean}>}
   */
  function ask(event, payload) {
    const answer = turn.then(async () => {
      if (!socket.connected) return { ok: false };
      if (event === "subscribe") subscribed = payload;
      return answerTo(event, payload);
    });
    turn = answer;
    return answer;
  }

  async function subscribe() {
    if (!socket.connected) return;
    const wanted = target;
    const answer = wanted ? await ask("subscribe", wanted) : { ok: true };
    if (wanted !== target || !socket.connected) return;
    if (answer.ok) {
      attempts = 0;
      become("live");
    } else {
      // A device that has just been registered may not be known to the live side yet.
      become("connecting");
      clearTimeout(timer);
      timer = setTimeout(subscribe, pause());
    }
  }

  /** What a snapshot for `asked` tells all of; one for some devices leaves the others' news as they are. @param {Target | null} asked */
  function toldWhole(asked) {
    if (!asked || asked.devices) return [];
    const { releases, batches, alerts, actions, configurations, jobs } = feed;
    const byTopic = { releases: [releases], batches: [batches], alerts: [alerts], actions: [actions], configuration: [configurations, jobs] };
    return Object.entries(byTopic).flatMap(([topic, collections]) => (asked.topics?.includes(topic) ?? true ? collections : []));
  }

  /** What is told of devices and of jobs that set many comes by the same name. @param {any[]} items */
  function configuration(items) {
    feed.configurations.take(items);
    feed.jobs.take(items);
  }

  socket.on("connect", subscribe);
  socket.on("snapshot", (/** @type {any} */ snapshot) => {
    if (!told) {
      told = toldWhole(subscribed);
      for (const collection of told) collection.note();
    }
    if (silence !== undefined) hear();
    if (status.peek() === "connecting") become("reading");
    feed.presence(snapshot.presence ?? []);
    feed.latest(snapshot.telemetry ?? []);
    feed.updates(snapshot.updates ?? []);
    feed.releases.take(snapshot.releases ?? []);
    feed.batches.take(snapshot.batches ?? []);
    feed.alerts.take(snapshot.alerts ?? []);
    feed.actions.take(snapshot.actions ?? []);
    configuration(snapshot.configuration ?? []);
    if (snapshot.last === false) return;
    for (const collection of told) collection.forgetOthers();
    told = null;
    snapshots.value += 1;
  });
  socket.on("telemetry", (/** @type {any} */ frame) => feed.telemetry(frame.items));
  socket.on("presence", (/** @type {any} */ frame) => feed.presence(frame.items));
  socket.on("update", (/** @type {any} */ frame) => feed.updates(frame.items));
  socket.on("release", (/** @type {any} */ frame) => feed.releases.take(frame.items));
  socket.on("batch", (/** @type {any} */ frame) => feed.batches.take(frame.items));
  socket.on("alert", (/** @type {any} */ frame) => feed.alerts.take(frame.items));
  socket.on("action", (/** @type {any} */ frame) => feed.actions.take(frame.items));
  socket.on("configuration", (/** @type {any} */ frame) => configuration(frame.items));
  socket.on("disconnect", () => {
    told = null;
    if (session.phase.peek() !== "in") return become("idle");
    become("connecting");
    if (!socket.active) retry();
  });
  socket.on("connect_error", () => {
    become("connecting");
    if (!socket.active) retry();
  });

  effect(() => {
    if (session.phase.value === "in") {
      attempts = 0;
      become("connecting");
      socket.connect();
    } else {
      clearTimeout(timer);
      socket.disconnect();
      become("idle");
    }
  });

  effect(() => {
    const token = session.access.value;
    if (!token || !socket.connected) return;
    ask("authenticate", { token }).then((answer) => {
      if (!answer.ok && socket.connected) socket.disconnect();
    });
  });

  return {
    status,
    since,
    snapshots,

    /**
     * Makes `wanted` the one subscription of this connection until the returned function is called.
     * @param {Target} wanted
     */
    watch(wanted) {
      target = wanted;
      if (socket.connected) subscribe();
      return () => {
        if (socket.connected) ask("unsubscribe", wanted);
        if (target !== wanted) return;
        target = null;
        subscribe();
      };
    },

    /** Tries at once rather than after the pause. */
    reconnect() {
      attempts = 0;
      socket.disconnect();
      clearTimeout(timer);
      socket.connect();
    },
  };
}

/** @typedef {ReturnType<typeof createConnection>} Connection */
