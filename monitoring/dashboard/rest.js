/**
 * Muster's REST interface as the dashboard uses it: JSON in and out, a deadline on every call, problem documents as
 * `ApiError`. It keeps no state; the session gives it tokens.
 */

/** A call that has no answer after this long is given up. */
export const DEADLINE_MS = 10_000;

const ROOT = "/api/v2";

/** Why a call failed: `status` 0 when no answer came, and the platform's stable `code`. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} detail for people
   */
  constructor(status, code, detail) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
  }

  /** Whether the same call may succeed later. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/**
 * @typedef {object} CallOptions
 * @property {string} [method]
 * @property {Record<string, string | number | boolean | null | undefined>} [query] null and undefined are left out
 * @property {unknown} [json]
 * @property {Record<string, string>} [form]
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
  const { method = "GET", query, json, form, token, signal, fetch = globalThis.fetch } = options;
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (json !== undefined) headers["Content-Type"] = "application/json";
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
 * @param {number} status
 * @param {string} text a problem document (RFC 9457), or whatever a proxy on the way said
 */
function problem(status, text) {
  try {
    const { code, detail, title } = JSON.parse(text);
    return new ApiError(status, String(code ?? `http_${status}`), String(detail ?? title ?? `The platform answered ${status}.`));
  } catch {
    return new ApiError(status, `http_${status}`, status >= 500 ? "A part of the platform is away just now." : `The platform answered ${status}.`);
  }
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
  return {
    /**
     * @param {string} path
     * @param {CallOptions["query"]} [query]
     * @param {AbortSignal} [signal]
     */
    async get(path, query, signal) {
      const token = await session.token();
      try {
        return await call(path, { query, signal, token });
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 401) throw error;
        return call(path, { query, signal, token: await session.renew() });
      }
    },

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
