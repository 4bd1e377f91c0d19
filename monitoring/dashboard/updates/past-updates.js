/** What became of a device's earlier updates, and what was reported of each. */

import { html, useSignal } from "../view.js";
import { releaseHref } from "../releases/address.js";
import { useApp } from "../shell/context.js";
import { ago, moment } from "../shell/format.js";
import { now } from "../shell/now.js";
import { isOpen, word } from "./states.js";

/**
 * @param {object} props
 * @param {import("./states.js").Session[]} props.sessions
 * @param {import("../listing.js").Listing<any>} props.list
 * @param {boolean} props.any whether there has been an update at all
 */
export function PastUpdates({ sessions, list, any }) {
  if (!any) return html`<p class="none">No update yet. The first one appears here, step by step.</p>`;
  return html`
    ${sessions.length > 0 &&
    html`<ul class="past" aria-label="Earlier updates">
      ${sessions.map((session) => html`<${PastUpdate} key=${session.session_id} session=${session} />`)}
    </ul>`}
    ${list.next.value !== null &&
    html`<button type="button" class="link" disabled=${list.reading.value} onClick=${list.more}>Show older updates</button>`}
  `;
}

/** @param {{session: import("./states.js").Session}} props */
function PastUpdate({ session }) {
  const at = Date.parse(session.updated_at);
  return html`<li data-session=${session.session_id} data-state=${session.state}>
    <p>
      <span class=${`outcome ${isOpen(session.state) ? "open" : session.state}`}>${word(session.state)}</span>
      <strong>${session.firmware_name} <span class="value">${session.firmware_version}</span></strong>
      ${session.previous_version && html`<span class="from">from <span class="value">${session.previous_version}</span></span>`}
      <time datetime=${session.updated_at} title=${moment(at)}>${ago(at, now.value)}</time>
    </p>
    ${session.release && html`<p class="reason">In the release <a href=${releaseHref(session.release, session.device_uid)}>${session.release}</a></p>`}
    ${session.error && html`<p class="reason">${session.error}</p>`}
    <${Reports} session=${session} />
  </li>`;
}

/**
 * @typedef {object} Report as `GET /updates/{id}` answers
 * @property {string} by
 * @property {string} reported
 * @property {boolean} accepted
 * @property {string | null} error
 * @property {string} at RFC 3339
 */

/** What the device and others reported, late and refused reports included; read when it is opened. @param {{session: import("./states.js").Session}} props */
function Reports({ session }) {
  const { api } = useApp();
  const reports = useSignal(/** @type {Report[] | null} */ (null));
  const error = useSignal(/** @type {Error | null} */ (null));

  async function read() {
    error.value = null;
    try {
      reports.value = (await api.get(`/updates/${encodeURIComponent(session.session_id)}`)).reports;
    } catch (failure) {
      error.value = /** @type {Error} */ (failure);
    }
  }

  return html`<details onToggle=${(/** @type {any} */ event) => event.currentTarget.open && read()}>
    <summary>Reports</summary>
    ${error.value && html`<p class="notice alarm" role="alert">${error.value.message} <button type="button" class="link" onClick=${read}>Try again</button></p>`}
    ${!reports.value && !error.value && html`<p class="none" role="status">Reading the reports</p>`}
    ${reports.value?.length === 0 && html`<p class="none">Nothing was reported.</p>`}
    ${reports.value &&
    html`<ol>
      ${reports.value.map(
        ({ by, reported, accepted, error: reason, at }) => html`<li>
          <time datetime=${at}>${moment(at)}</time>
          <span>${word(reported)}${!accepted && html` <strong class="refused">refused</strong>`}${reason && `: ${reason}`}</span>
          <span class="by">${by}</span>
        </li>`,
      )}
    </ol>`}
  </details>`;
}
