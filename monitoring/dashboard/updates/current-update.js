/** The update under way: its steps, how long it may take, and a way to stop it. */

import { html, useSignal } from "../view.js";
import { releaseHref } from "../releases/address.js";
import { useApp } from "../shell/context.js";
import { Confirm } from "../shell/dialog.js";
import { duration, moment } from "../shell/format.js";
import { now } from "../shell/now.js";
import { isOpen, STEPS, waitsFor, word } from "./states.js";

/** @param {{session: import("./states.js").Session, changed: () => void}} props */
export function CurrentUpdate({ session, changed }) {
  const { api, feed, session: person } = useApp();
  const cancelling = useSignal(false);
  const open = isOpen(session.state);
  const online = feed.device(session.device_uid).presence.value?.online ?? false;

  async function cancel() {
    await api.post(`/updates/${encodeURIComponent(session.session_id)}/cancel`);
    changed();
  }

  return html`<div class="current" data-session=${session.session_id}>
    <p class="what">
      <strong>${session.firmware_name} <span class="value">${session.firmware_version}</span></strong>
      ${session.previous_version && html`<span class="from">from <span class="value">${session.previous_version}</span></span>`}
      ${session.release && html`<span class="from">in the release <a href=${releaseHref(session.release, session.device_uid)}>${session.release}</a></span>`}
    </p>
    <${Steps} session=${session} />
    ${session.state === "downloading" &&
    html`<p class="download">
      <progress max="100" value=${session.progress ?? 0} aria-label="Download"></progress><span class="value">${session.progress ?? 0} %</span>
    </p>`}
    ${open
      ? html`<p class="waits">${waitsFor(session.state, online)} <${Deadline} deadline=${session.deadline} /></p>`
      : html`<p class=${`notice ${session.state === "completed" ? "well" : "alarm"}`}>${outcome(session)}</p>`}
    ${open &&
    person.can("updates:write") &&
    html`<button type="button" class="secondary small" onClick=${() => (cancelling.value = true)}>Cancel update</button>`}
    ${cancelling.value &&
    open &&
    html`<${Confirm}
      title="Cancel this update?"
      action="Cancel the update"
      instead="Let it go on"
      grave
      run=${cancel}
      close=${() => (cancelling.value = false)}
    >
      <p>${session.firmware_name} ${session.firmware_version} will not be installed. ${session.state === "flashed" ? "The image is on the device already, which may come back with it." : "The device keeps what it runs."}</p>
    <//>`}
  </div>`;
}

/** How an update that was watched has ended. @param {import("./states.js").Session} session */
function outcome({ state, error, firmware_version: version }) {
  if (state === "completed") return `Completed: the device runs ${version}.`;
  return `The update has ${state === "failed" ? "failed" : `been ${state === "cancelled" ? "cancelled" : "given up: it timed out"}`}${error ? `: ${error}` : "."}`;
}

/** @param {{session: import("./states.js").Session}} props */
function Steps({ session }) {
  const at = STEPS.indexOf(/** @type {any} */ (session.state));
  return html`<ol class="steps" aria-label="Steps">
    ${STEPS.map((step, index) => {
      const done = at > index || session.state === "completed";
      const here = at === index && !done;
      return html`<li key=${step} class=${done ? "done" : here ? "here" : ""} aria-current=${here ? "step" : undefined}>
        ${word(step)}<span class="hidden">${done ? ", done" : ""}</span>
      </li>`;
    })}
  </ol>`;
}

/** @param {{deadline: string | null}} props */
function Deadline({ deadline }) {
  if (!deadline) return null;
  const left = Date.parse(deadline) - now.value;
  return html`<time datetime=${deadline} title=${moment(deadline)}>
    ${left > 0 ? `Without news of the device it times out in ${duration(left)}.` : "Its time is up; it is about to time out."}
  </time>`;
}
