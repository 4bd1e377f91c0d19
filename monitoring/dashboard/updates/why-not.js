/** Why a device was not updated, asked of its own page: of the newest release that has it, else of its last update. */

import { html, useSignal } from "../view.js";
import { releaseHref } from "../releases/address.js";
import { Explained } from "../releases/why.js";
import { useApp } from "../shell/context.js";
import { useAttempt } from "../shell/dialog.js";

/** @param {{uid: string}} props */
export function WhyNot({ uid }) {
  const { api } = useApp();
  const answer = useSignal(/** @type {import("../releases/why.js").Answer | null} */ (null));
  const { busy, error, attempt } = useAttempt(async () => {
    answer.value = await api.get("/updates/why", { device_uid: uid });
  });
  return html`<div class="why-not">
    <button type="button" class="link" aria-busy=${busy} onClick=${attempt}>Why was it not updated?</button>
    <div role="status">${answer.value && html`<${Explained} answer=${answer.value}><${Asked} answer=${answer.value} /><//>`}</div>
    <div role="alert">${error && html`<p class="notice alarm">${error.message}</p>`}</div>
  </div>`;
}

/** What is answered about. @param {{answer: import("../releases/why.js").Answer}} props */
function Asked({ answer: { release, device_uid: uid } }) {
  const slug = release?.replace(/^release:/, "");
  return slug ? html`In the release <a href=${releaseHref(slug, uid)}>${slug}</a>` : "No release has had it; its last update";
}
