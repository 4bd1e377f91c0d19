/** The fields of forms: each with its name, a hint, and what is wrong with it, told to everybody. */

import { html, useId } from "../view.js";

/**
 * A line of text, a number, a time or a file.
 * @param {object} props
 * @param {string} props.label
 * @param {string} props.value
 * @param {(value: string) => void} props.set
 * @param {string} [props.hint]
 * @param {string | null} [props.error]
 * @param {Record<string, any>} [props.rest] further attributes of the input
 */
export function Field({ label, value, set, hint, error = null, ...rest }) {
  const id = useId();
  return html`<div class="field">
    <label>
      <span>${label}</span>
      <input
        type="text"
        autocomplete="off"
        spellcheck=${false}
        aria-invalid=${error ? "true" : undefined}
        aria-describedby=${hint || error ? id : undefined}
        value=${value}
        onInput=${(/** @type {any} */ event) => set(event.currentTarget.value)}
        ...${rest}
      />
    </label>
    <${Below} id=${id} hint=${hint} error=${error} />
  </div>`;
}

/**
 * Several lines of text.
 * @param {Parameters<typeof Field>[0]} props
 */
export function Lines({ label, value, set, hint, error = null, ...rest }) {
  const id = useId();
  return html`<div class="field">
    <label>
      <span>${label}</span>
      <textarea
        spellcheck=${false}
        aria-invalid=${error ? "true" : undefined}
        aria-describedby=${hint || error ? id : undefined}
        value=${value}
        onInput=${(/** @type {any} */ event) => set(event.currentTarget.value)}
        ...${rest}
      ></textarea>
    </label>
    <${Below} id=${id} hint=${hint} error=${error} />
  </div>`;
}

/**
 * One of a few.
 * @param {Parameters<typeof Field>[0] & {options: [string, string][]}} props `options` are values with their words
 */
export function Select({ label, value, set, options, hint, error = null, ...rest }) {
  const id = useId();
  return html`<div class="field">
    <label>
      <span>${label}</span>
      <select
        aria-invalid=${error ? "true" : undefined}
        aria-describedby=${hint || error ? id : undefined}
        value=${value}
        onChange=${(/** @type {any} */ event) => set(event.currentTarget.value)}
        ...${rest}
      >
        ${options.map(([each, words]) => html`<option key=${each} value=${each} selected=${each === value}>${words}</option>`)}
      </select>
    </label>
    <${Below} id=${id} hint=${hint} error=${error} />
  </div>`;
}

/**
 * Yes or no.
 * @param {{label: string, value: boolean, set: (value: boolean) => void, hint?: string}} props
 */
export function Check({ label, value, set, hint }) {
  const id = useId();
  return html`<div class="field check">
    <label>
      <input type="checkbox" checked=${value} aria-describedby=${hint ? id : undefined} onChange=${(/** @type {any} */ event) => set(event.currentTarget.checked)} />
      <span>${label}</span>
    </label>
    <${Below} id=${id} hint=${hint} error=${null} />
  </div>`;
}

/** @param {{id: string, hint?: string, error: string | null}} props */
function Below({ id, hint, error }) {
  if (!hint && !error) return null;
  return html`<small id=${id} class=${error ? "wrong" : ""}>${error ?? hint}</small>`;
}
