/** What a page shows while it has nothing else: each says what happens next, and none waits for ever. */

import { html } from "../view.js";
import { Icon } from "./icons.js";

/** @param {{children: any}} props */
export function Waiting({ children }) {
  return html`<div class="state waiting" role="status"><span class="pulse" aria-hidden="true"></span><p>${children}</p></div>`;
}

/**
 * @param {object} props
 * @param {string} props.title
 * @param {Error} props.error
 * @param {() => void} props.retry
 */
export function Failure({ title, error, retry }) {
  return html`<div class="state failure" role="alert">
    <${Icon} name="warning" />
    <h2>${title}</h2>
    <p>${error.message}</p>
    <button type="button" onClick=${retry}>Try again</button>
  </div>`;
}

/** @param {{title: string, children: any}} props */
export function Empty({ title, children }) {
  return html`<div class="state"><h2>${title}</h2>${children}</div>`;
}
