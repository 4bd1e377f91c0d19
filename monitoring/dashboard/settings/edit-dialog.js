/** A form in a dialog: it is sent once, what is wrong with it is said, and it closes when all is well. */

import { html } from "../view.js";
import { ApiError } from "../rest.js";
import { Dialog, useAttempt } from "../shell/dialog.js";

/**
 * @param {object} props
 * @param {string} props.title
 * @param {string} props.action what the button says
 * @param {() => Promise<unknown>} props.save the dialog stays open after it when it answers `false`
 * @param {() => void} props.close
 * @param {any} props.children the fields
 */
export function EditDialog({ title, action, save, close, children }) {
  const { busy, error, attempt } = useAttempt(async () => {
    if ((await save()) !== false) close();
  });
  return html`<${Dialog} title=${title} close=${close}>
    <form onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), attempt())}>
      ${children}
      <div role="alert">${error && html`<p class="notice alarm">${explained(error)}</p>`}</div>
      <div class="answers">
        <button type="button" class="secondary" onClick=${close}>Not now</button>
        <button type="submit" aria-busy=${busy} disabled=${busy}>${action}</button>
      </div>
    </form>
  <//>`;
}

/** @param {Error} error */
function explained(error) {
  if (!(error instanceof ApiError)) return error.message;
  if (error.status === 412) return "Somebody else has changed this meanwhile. Close this, look at it, and change it again.";
  const wrong = error.places.map(({ location, message }) => `${(location.at(-1) ?? "").replaceAll("_", " ")}: ${message}.`);
  return wrong.length > 0 ? wrong.join(" ") : error.message;
}
