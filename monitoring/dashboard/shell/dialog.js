/** Dialogs: the browser's own, so that the keyboard stays inside and Escape closes; the focus goes back where it was. */

import { html, useEffect, useId, useRef, useSignal } from "../view.js";
import { focusKept } from "./focus.js";

/**
 * @param {object} props
 * @param {string} props.title
 * @param {() => void} props.close
 * @param {any} props.children
 */
export function Dialog({ title, close, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const id = useId();
  useEffect(() => {
    const before = /** @type {HTMLElement} */ (document.activeElement);
    const bringBack = focusKept();
    dialog.current?.showModal();
    return () => {
      before.focus(); // The dialog is gone by now, so the browser no longer gives the focus back.
      bringBack();
    };
  }, []);

  /** @param {Event} event */
  function cancel(event) {
    event.preventDefault();
    close();
  }

  return html`<dialog class="dialog" ref=${dialog} aria-labelledby=${id} onCancel=${cancel}>
    <h2 id=${id}>${title}</h2>
    ${children}
  </dialog>`;
}

/**
 * Runs something that may be refused: what went wrong stays to be read until the next try.
 * @param {() => Promise<void>} run
 */
export function useAttempt(run) {
  const busy = useSignal(false);
  const error = useSignal(/** @type {Error | null} */ (null));

  async function attempt() {
    if (busy.peek()) return;
    const bringBack = focusKept();
    busy.value = true;
    error.value = null;
    try {
      await run();
    } catch (failure) {
      error.value = /** @type {Error} */ (failure);
    } finally {
      busy.value = false;
      requestAnimationFrame(bringBack); // once what has changed is drawn
    }
  }

  return { busy: busy.value, error: error.value, attempt };
}

/**
 * A question before something is done that cannot be taken back.
 * @param {object} props
 * @param {string} props.title
 * @param {string} props.action what the button that does it says
 * @param {string} props.instead what the button that does not says
 * @param {boolean} [props.grave] whether something is ended by it
 * @param {() => Promise<unknown>} props.run the dialog stays open after it when it answers `false`
 * @param {() => void} props.close
 * @param {any} props.children what will happen
 */
export function Confirm({ title, action, instead, grave = false, run, close, children }) {
  const { busy, error, attempt } = useAttempt(async () => {
    if ((await run()) !== false) close();
  });
  return html`<${Dialog} title=${title} close=${close}>
    ${children}
    <div role="alert">${error && html`<p class="notice alarm">${error.message}</p>`}</div>
    <div class="answers">
      <button type="button" class="secondary" autofocus onClick=${close}>${instead}</button>
      <button type="button" class=${grave ? "grave" : ""} aria-busy=${busy} disabled=${busy} onClick=${attempt}>${action}</button>
    </div>
  <//>`;
}
