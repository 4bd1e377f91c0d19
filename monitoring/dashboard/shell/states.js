/** What a page shows while it has nothing else: each says what happens next, and none waits for ever. */

import { html, useCallback, useRef } from "../view.js";
import { useAgain } from "../again.js";
import { Icon } from "./icons.js";

/** What may pass by itself is tried again this often. */
const AGAIN_MS = 15_000;

/** @param {{children: any}} props */
export function Waiting({ children }) {
  return html`<div class="state waiting" role="status"><span class="pulse" aria-hidden="true"></span><p>${children}</p></div>`;
}

/**
 * What failed because the platform was away is tried again without a word from anybody.
 * @param {object} props
 * @param {string} props.title
 * @param {Error & {passing?: boolean}} props.error
 * @param {() => void} props.retry
 */
export function Failure({ title, error, retry }) {
  const newest = useRef(retry);
  newest.current = retry;
  const again = useCallback(() => newest.current(), []);
  useAgain(again, AGAIN_MS, error.passing === true);
  return html`<div class="state failure" role="alert">
    <${Icon} name="warning" />
    <h2>${title}</h2>
    <p>${error.message}${error.passing && " Muster tries again by itself."}</p>
    <button type="button" onClick=${retry}>Try again</button>
  </div>`;
}

/** @param {{title: string, children: any}} props */
export function Empty({ title, children }) {
  return html`<div class="state"><h2>${title}</h2>${children}</div>`;
}
