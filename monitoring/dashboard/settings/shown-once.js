/** A secret that is shown once, to be taken along. */

import { html, useRef, useSignal } from "../view.js";
import { Dialog } from "../shell/dialog.js";

/** @param {{title: string, secret: string, close: () => void, children: any}} props `children` say what it is for */
export function ShownOnce({ title, secret, close, children }) {
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const outcome = useSignal("");

  async function copy() {
    field.current?.select();
    // The clipboard is not there on a page that came over plain HTTP, and may be refused; what is selected can be copied by hand.
    const copied = await navigator.clipboard?.writeText(secret).then(() => true, () => false);
    outcome.value = copied ? "Copied." : "It is selected: copy it with your browser.";
  }

  return html`<${Dialog} title=${title} close=${close}>
    ${children}
    <p class="notice">It is shown this once. Muster keeps only what it needs to recognise it.</p>
    <label>Secret<input class="secret" ref=${field} readonly value=${secret} onFocus=${copy} /></label>
    <p role="status">${outcome.value}</p>
    <div class="answers">
      <button type="button" class="secondary" onClick=${copy}>Copy</button>
      <button type="button" autofocus onClick=${close}>I have it</button>
    </div>
  <//>`;
}
