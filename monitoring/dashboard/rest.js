/**
 * Muster's REST interface as the dashboard uses it: JSON in and out, a deadline on every call, problem documents as
 * `ApiError`. It keeps no state; the session gives it tokens.
 */

import { ApiError, problem, ROOT } from "./problem.js";
import { upload } from "./upload.js";

export { ApiError };

/** A call that has no answer after this long is given up. */
export const DEADLINE_MS = 10_000;

/**
 * @typedef {object} CallOptions
 * @property {string} [method]
 * @property {Record<string, string | number | boolean | null | undefined>} [query] null and undefined are left out
 * @property {unknown} [json]
 * @property {Record<string, string>} [form]
 * @property {number} [version] what is changed must still have it, else the answer is 412
 * @property {string} [once] a key of the caller's choice: what is sent again with it has no second effect
 * @property {string} [token]
 * @property {AbortSignal} [signal]
 * @property {typeof fetch} [fetch]
 */

/**
 * @param {string} path below /api/v2
 * @param {CallOptions} [options]
 * @returns {Promise<any>} the decoded body; null for an answer without one
 * @throws {ApiError} for any answer that is not a success, and for none
 * @throws {DOMException} `AbortError` when `options.signal` aborts
 */
export async function call(path, options = {}) {
  const { method = "GET", query, json, form, version, once, token, signal, fetch = globalThis.fetch } = options;
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (json !== undefined) headers["Content-Type"] = "application/json";
  if (version !== undefined) headers["If-Match"] = `"${version}"`;
  if (once !== undefined) headers["Idempotency-Key"] = once;
  const body = form ? new URLSearchParams(form) : json === undefined ? undefined : JSON.stringify(json);
  try {
    const response = await fetch(ROOT + path + search(query), {
      method,
      headers,
      body,
      cache: "no-store",
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
    const text = await response.text();
    if (!response.ok) throw problem(response.status, text);
    return text ? JSON.parse(text) : null;
  } catch (error) {
    if (error instanceof ApiError || signal?.aborted) throw error;
    if (deadline.aborted) throw new ApiError(0, "timeout", `Muster has not answered within ${DEADLINE_MS / 1000} seconds.`);
    if (error instanceof SyntaxError) throw new ApiError(0, "unreadable", "Muster's answer could not be read.");
    throw new ApiError(0, "unreachable", "Muster cannot be reached. Check the connection and that the platform is running.");
  }
}

/** @param {CallOptions["query"]} query */
function search(query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  return given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : "";
}

/**
 * @template T
 * @typedef {{items: T[], next: string | null}} Page
 */

/**
 * The same calls with the session's token; one that is refused is renewed once and tried again.
 * @param {{token(): Promise<string>, renew(): Promise<string>}} session
 */
export function createApi(session) {
  /** @param {(token: string) => Promise<any>} run */
  async function authorized(run) {
    const token = await session.token();
    try {
      return await run(token);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      return run(await session.renew());
    }
  }

  return {
    /**
     * @param {string} path
     * @param {CallOptions["query"]} [query]
     * @param {AbortSignal} [signal]
     */
    get: (path, query, signal) => authorized((token) => call(path, { query, signal, token })),

    /**
     * @param {string} path
     * @param {unknown} [json]
     * @param {Pick<CallOptions, "query" | "once" | "signal">} [options]
     */
    post: (path, json, options) => authorized((token) => call(path, { ...options, method: "POST", json, token })),

    /**
     * Changes what `json` names and leaves the rest.
     * @param {string} path
     * @param {unknown} json
     * @param {number} [version] the one that it was read with
     */
    patch: (path, json, version) => authorized((token) => call(path, { method: "PATCH", json, version, token })),

    /**
     * Puts `json` in the place of what is there.
     * @param {string} path
     * @param {unknown} json
     * @param {number} [version] the one that it was read with
     */
    put: (path, json, version) => authorized((token) => call(path, { method: "PUT", json, version, token })),

    /**
     * @param {string} path
     * @param {number} [version] the one that it was read with
     */
    remove: (path, version) => authorized((token) => call(path, { method: "DELETE", version, token })),

    /**
     * @param {string} path
     * @param {FormData} form
     * @param {import("./upload.js").UploadOptions} [options]
     */
    upload: (path, form, options) => authorized((token) => upload(path, form, { ...options, token })),

    /**
     * Every page of a list, one after another.
     * @param {string} path
     * @param {CallOptions["query"]} query
     * @param {AbortSignal} [signal]
     * @returns {AsyncGenerator<any[]>}
     */
    async *pages(path, query, signal) {
      /** @type {string | null} */
      let cursor = null;
      do {
        const page = await this.get(path, { ...query, cursor }, signal);
        yield page.items;
        cursor = page.next;
      } while (cursor);
    },
  };
}

/** @typedef {ReturnType<typeof createApi>} Api */
