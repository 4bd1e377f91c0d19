/** Sends a file, with its progress: the one call that `fetch` cannot make, for it does not say how far it has come. */

import { ApiError, problem, ROOT } from "./problem.js";

/** Without a byte sent for this long, an upload is given up. */
const STALL_MS = 30_000;
/** How long the platform may take over a file once it has all of it. */
const ANSWER_MS = 120_000;

/**
 * @typedef {object} UploadOptions
 * @property {(sent: number, total: number) => void} [onProgress] in bytes; `sent` is `total` while the platform checks the file
 * @property {AbortSignal} [signal]
 * @property {string} [token]
 * @property {() => XMLHttpRequest} [request]
 */

/**
 * @param {string} path below /api/v2
 * @param {FormData} form
 * @param {UploadOptions} [options]
 * @returns {Promise<any>} the decoded body
 * @throws {ApiError} for any answer that is not a success, and for none
 * @throws {DOMException} `AbortError` when `options.signal` aborts
 */
export function upload(path, form, { onProgress, signal, token, request = () => new XMLHttpRequest() } = {}) {
  return new Promise((resolve, reject) => {
    const xhr = request();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    let stalled = false;

    /** @param {number} ms */
    function expectNewsWithin(ms) {
      clearTimeout(timer);
      timer = setTimeout(() => {
        stalled = true;
        xhr.abort();
      }, ms);
    }

    /** @param {() => void} conclude */
    function end(conclude) {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      conclude();
    }

    const abort = () => xhr.abort();

    xhr.upload.onprogress = ({ loaded, total }) => {
      expectNewsWithin(STALL_MS);
      onProgress?.(loaded, total);
    };
    xhr.upload.onload = ({ total }) => {
      expectNewsWithin(ANSWER_MS);
      onProgress?.(total, total);
    };
    xhr.onload = () =>
      end(() => {
        if (xhr.status < 200 || xhr.status > 299) return reject(problem(xhr.status, xhr.responseText));
        try {
          resolve(JSON.parse(xhr.responseText));
        } catch {
          reject(new ApiError(0, "unreadable", "Muster's answer could not be read."));
        }
      });
    xhr.onerror = () =>
      end(() => reject(new ApiError(0, "upload_broken", "The upload broke off. The file may be larger than the platform takes, or the connection was lost.")));
    xhr.onabort = () =>
      end(() => {
        if (stalled) reject(new ApiError(0, "timeout", "The upload came to a standstill and was given up. Nothing was stored."));
        else reject(new DOMException("The upload was cancelled.", "AbortError"));
      });

    if (signal?.aborted) return reject(new DOMException("The upload was cancelled.", "AbortError"));
    signal?.addEventListener("abort", abort);
    xhr.open("POST", ROOT + path);
    xhr.setRequestHeader("Accept", "application/json");
    if (token) xhr.setRequestHeader("Authorization", `Bearer ${token}`);
    expectNewsWithin(STALL_MS);
    xhr.send(form);
  });
}
