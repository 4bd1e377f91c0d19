/** "Why was this device not updated?", answered with a sentence and the next step. */

import { html, useEffect, useId, useSignal } from "../view.js";
import { deviceHref } from "../device/address.js";
import { useApp } from "../shell/context.js";
import { useAttempt } from "../shell/dialog.js";
import { asSentence } from "../problem.js";
import { moment } from "../shell/format.js";
import { word } from "./states.js";

/**
 * @typedef {object} Answer as `GET /updates/why` answers
 * @property {string} device_uid
 * @property {string | null} release its id, `release:` and its slug; null where no release had the device
 * @property {string | null} wave
 * @property {string | null} cluster
 * @property {boolean} updated
 * @property {string} reason a word for programs
 * @property {string} detail
 * @property {string | null} next_step
 * @property {string | null} until RFC 3339
 */

/** @param {{release: import("./states.js").Release, uid: string | null}} props */
export function Why({ release, uid }) {
  const { api } = useApp();
  const asked = useSignal(uid ?? "");
  const answer = useSignal(/** @type {Answer | null} */ (null));
  const { busy, error, attempt } = useAttempt(async () => {
    answer.value = null;
    answer.value = await api.get("/updates/why", { device_uid: asked.peek().trim(), release: release.slug });
  });
  const wave = release.waves.find(({ id: each }) => each === answer.value?.wave);
  const id = useId();
  useEffect(() => {
    if (!uid) return;
    asked.value = uid;
    attempt();
  }, [uid]);

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    attempt();
  }

  return html`<section class="panel why" aria-labelledby=${id}>
    <h2 id=${id}>Why was this device not updated?</h2>
    <form onSubmit=${submit}>
      <input
        type="text"
        aria-label="The device's uid"
        placeholder="The device's uid"
        required
        maxlength="64"
        autocomplete="off"
        spellcheck=${false}
        value=${asked.value}
        onInput=${(/** @type {any} */ event) => (asked.value = event.currentTarget.value)}
      />
      <button type="submit" class="secondary" aria-busy=${busy}>Ask</button>
    </form>
    <div role="status">${answer.value && html`<${Explained} answer=${answer.value}><a href=${deviceHref(answer.value.device_uid)}>${answer.value.device_uid}</a>${wave && ` in ${wave.name}`}<//>`}</div>
    <div role="alert">${error && html`<p class="notice alarm">${error.message}</p>`}</div>
  </section>`;
}

/**
 * The answer in words.
 * @param {{answer: Answer, children: any}} props `children` say of what it is the answer
 */
export function Explained({ answer, children }) {
  return html`<div class="explained" data-reason=${answer.reason}>
    <p>${children}: <strong>${word(answer.reason)}</strong></p>
    <p>${asSentence(answer.detail)}${answer.until && ` That may change by itself at ${moment(answer.until)}.`}</p>
    ${answer.next_step && html`<p class="next">Next: ${answer.next_step}.</p>`}
  </div>`;
}
