/**
 * Who is signed in, and their tokens. The access token lives in memory only; the refresh token in sessionStorage, so
 * that a reload keeps the session and closing the tab ends it. A token is renewed ahead of its expiry, by one request
 * however many callers need it.
 */

import { ApiError, call as callApi } from "../rest.js";
import { signal } from "../view.js";

const KEY = "muster.refresh";
const MARGIN_MS = 60_000;
const RETRY_MS = 5_000;

/**
 * @typedef {object} Person
 * @property {number | string} id
 * @property {string} email
 * @property {string | null} name
 * @property {{id: number, name: string, slug: string}} organization
 * @property {string[]} scopes
 */

/** @typedef {"starting" | "out" | "in"} Phase */

/**
 * How long to wait before a token is renewed: a minute ahead of its expiry, or after four fifths of a short life.
 * @param {number} lifetimeMs
 */
export function renewalDelay(lifetimeMs) {
  return Math.max(0, Math.max(lifetimeMs - MARGIN_MS, lifetimeMs * 0.8));
}

/**
 * @param {object} [outside]
 * @param {Pick<Storage, "getItem" | "setItem" | "removeItem">} [outside.storage]
 * @param {typeof callApi} [outside.call]
 * @param {() => number} [outside.now]
 * @param {(run: () => void, ms: number) => any} [outside.schedule]
 * @param {(timer: any) => void} [outside.cancel]
 */
export function createSession({
  storage = globalThis.sessionStorage,
  call = callApi,
  now = Date.now,
  schedule = (run, ms) => setTimeout(run, ms),
  cancel = (timer) => clearTimeout(timer),
} = {}) {
  const phase = signal(/** @type {Phase} */ ("starting"));
  const person = signal(/** @type {Person | null} */ (null));
  const access = signal(/** @type {string | null} */ (null));
  /** Why the session ended by itself, for the sign-in page. */
  const ended = signal(/** @type {string | null} */ (null));
  let staleAt = 0;
  /** @type {any} */
  let timer = null;
  /** @type {Promise<string> | null} */
  let renewing = null;

  /** @param {{access_token: string, refresh_token: string, expires_in: number}} tokens */
  function hold(tokens) {
    const delay = renewalDelay(tokens.expires_in * 1000);
    storage.setItem(KEY, tokens.refresh_token);
    staleAt = now() + delay;
    access.value = tokens.access_token;
    renewIn(delay);
    return tokens.access_token;
  }

  /** @param {number} ms */
  function renewIn(ms) {
    cancel(timer);
    timer = schedule(() => {
      renew().catch((error) => {
        if (error instanceof ApiError && error.passing && storage.getItem(KEY)) renewIn(RETRY_MS);
      });
    }, ms);
  }

  /** @param {string | null} reason */
  function end(reason) {
    cancel(timer);
    storage.removeItem(KEY);
    access.value = null;
    person.value = null;
    ended.value = reason;
    phase.value = "out";
  }

  async function exchange() {
    const refreshToken = storage.getItem(KEY);
    if (!refreshToken) {
      end(null);
      throw new ApiError(401, "signed_out", "You are signed out.");
    }
    try {
      const tokens = await call("/auth/refresh", { method: "POST", json: { refresh_token: refreshToken } });
      if (storage.getItem(KEY) !== refreshToken) throw new ApiError(401, "signed_out", "You are signed out.");
      return hold(tokens);
    } catch (error) {
      const refused = error instanceof ApiError && !error.passing && error.code !== "signed_out";
      if (refused) end("Your session has ended. Sign in to go on.");
      throw error;
    }
  }

  /**
   * Trades the refresh token for new tokens; a refusal ends the session, no answer does not.
   * @returns {Promise<string>} the access token
   */
  function renew() {
    renewing ??= exchange().finally(() => {
      renewing = null;
    });
    return renewing;
  }

  /** An access token with life left in it. */
  async function token() {
    return access.peek() && now() < staleAt ? /** @type {string} */ (access.peek()) : renew();
  }

  async function introduce() {
    person.value = await call("/auth/me", { token: await token() });
    ended.value = null;
    phase.value = "in";
  }

  return {
    phase,
    person,

    /** Whether the person may do what needs `scope`. @param {string} scope */
    can: (scope) => person.value?.scopes.includes(scope) ?? false,

    access,
    ended,
    renew,
    token,

    /**
     * Goes on with the session that a reload interrupted.
     * @throws {ApiError} when the platform does not answer; the session is kept and this can be tried again
     */
    async resume() {
      if (!storage.getItem(KEY)) return end(null);
      try {
        await introduce();
      } catch (error) {
        if (error instanceof ApiError && error.passing) throw error;
        if (phase.peek() !== "out") end("Your session has ended. Sign in to go on.");
      }
    },

    /**
     * @param {string} username an email address
     * @param {string} password
     * @throws {ApiError} 401 for a wrong address or password
     */
    async signIn(username, password) {
      hold(await call("/auth/login", { method: "POST", form: { username, password } }));
      await introduce();
    },

    /**
     * Takes a new password; every other sign-in of the person ends, and this one goes on.
     * @param {string} current
     * @param {string} next
     * @throws {ApiError} 401 when `current` is not the password
     */
    async changePassword(current, next) {
      const json = { current_password: current, new_password: next };
      const asking = person.peek();
      const tokens = await call("/auth/password", { method: "POST", json, token: await token() });
      if (person.peek() === asking) hold(tokens); // Nobody who has signed out meanwhile is signed in again.
    },

    /** Ends the session here at once, and tells the platform, which may be away. */
    async signOut() {
      const refreshToken = storage.getItem(KEY);
      const bearer = access.peek() ?? undefined;
      end(null);
      if (!refreshToken) return;
      await call("/auth/logout", { method: "POST", json: { refresh_token: refreshToken }, token: bearer }).catch(() => null);
    },
  };
}

/** @typedef {ReturnType<typeof createSession>} Session */
