/** Why a call to the platform failed, from its problem documents (RFC 9457) or whatever else came back. */

/** Where the platform's REST interface is, on the page's own origin. */
export const ROOT = "/api/v2";

/**
 * Why a call failed: `status` 0 when no answer came, and the platform's stable `code`; of a refused body `places` are the
 * members that are not as they should be, and `more` is what else the problem document says.
 */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} detail for people
   * @param {{location: string[], message: string}[]} [places]
   * @param {Record<string, any>} [more]
   */
  constructor(status, code, detail, places = [], more = {}) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.places = places;
    this.more = more;
  }

  /** Whether the same call may succeed later. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/**
 * @param {number} status
 * @param {string} text a problem document (RFC 9457), or whatever a proxy on the way said
 */
export function problem(status, text) {
  try {
    const { code, detail, title, errors, ...more } = JSON.parse(text);
    const words = String(detail ?? title ?? `The platform answered ${status}`);
    return new ApiError(status, String(code ?? `http_${status}`), asSentence(words), Array.isArray(errors) ? errors : [], more);
  } catch {
    return new ApiError(status, `http_${status}`, status >= 500 ? "A part of the platform is away just now." : `The platform answered ${status}.`);
  }
}

/** @param {string} words that a program said */
export function asSentence(words) {
  return words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? "" : ".");
}
