/** What became of each device of a batch, and the reason. */

import { html, useMemo, useSignal } from "../view.js";
import { deviceHref } from "../device/address.js";
import { createListing } from "../listing.js";
import { useKept } from "../live/kept.js";
import { releaseHref } from "../releases/address.js";
import { useApp } from "../shell/context.js";
import { moment } from "../shell/format.js";
import { DEVICE_STATES } from "./states.js";

const PAGE = 50;
const WORDS = /** @type {Record<string, string>} */ ({ pending: "waiting", initiated: "under way", succeeded: "updated", skipped: "left out" });

/**
 * @typedef {object} BatchDevice as `GET /updates/batches/{id}/devices` answers
 * @property {string} device_uid
 * @property {string} state
 * @property {string | null} reason a word for programs
 * @property {string | null} detail
 * @property {string | null} session_id
 * @property {number} attempts
 * @property {string | null} next_at RFC 3339
 * @property {string} updated_at
 */

/**
 * @param {object} props
 * @param {number} props.id
 * @param {number | null} [props.version] of the batch as it is shown beside its devices: they are read after it
 * @param {string | null} [props.release] the slug of the release that the batch carries out
 */
export function BatchDevices({ id, version = null, release = null }) {
  const { api, feed } = useApp();
  const state = useSignal("");
  const list = useMemo(() => {
    /** @type {import("../listing.js").Listing<BatchDevice>} */
    const listing = createListing(api, `/updates/batches/${id}/devices`, { query: state.value ? { state: state.value } : {}, page: PAGE });
    return listing;
  }, [api, id, state.value]);
  useKept(list.load, `${version} ${feed.batches.items.value.get(id)?.version}`);

  const ready = list.phase.value === "ready";
  const failure = list.error.value;
  const devices = list.items.value;
  return html`<div class="batch-devices">
    <fieldset class="choice">
      <legend class="hidden">Show</legend>
      ${["", ...DEVICE_STATES].map(
        (each) => html`<label key=${each}>
          <input type="radio" name=${`devices-of-${id}`} checked=${state.value === each} onChange=${() => (state.value = each)} /><span>${each === "" ? "all" : (WORDS[each] ?? each)}</span>
        </label>`,
      )}
    </fieldset>
    ${failure && html`<p class="notice alarm" role="alert">${failure.message} <button type="button" class="link" onClick=${list.load}>Try again</button></p>`}
    ${!ready && !failure && html`<p class="none" role="status">Reading the devices</p>`}
    ${ready && devices.length === 0 && html`<p class="none" role="status">${state.value ? "None of its devices is in this state." : "It has no devices."}</p>`}
    ${devices.length > 0 &&
    html`<ul aria-label="Devices">
      ${devices.map((device) => html`<${Line} key=${device.device_uid} device=${device} release=${release} />`)}
    </ul>`}
    ${list.next.value !== null && html`<button type="button" class="link" disabled=${list.reading.value} onClick=${list.more}>Show more devices</button>`}
  </div>`;
}

/** @param {{device: BatchDevice, release: string | null}} props */
function Line({ device, release }) {
  const { names } = useApp();
  const { device_uid: uid, state, reason, detail, attempts, next_at: nextAt } = device;
  const why = detail ?? reason?.replaceAll("_", " ");
  return html`<li data-device=${uid} data-state=${state}>
    <a href=${deviceHref(uid)}>${names.of(uid)}</a>
    ${names.of(uid) !== uid && html`<span class="uid">${uid}</span>`}
    <span class=${`outcome ${state === "succeeded" ? "completed" : state === "failed" ? "failed" : ""}`}>${WORDS[state] ?? state}</span>
    ${attempts > 1 && html`<span class="of">try ${attempts}</span>`}
    ${why && html`<small>${why}${state === "pending" && nextAt && `, tried again ${moment(nextAt)}`}</small>`}
    ${release && state !== "succeeded" && html`<a class="why-link" href=${releaseHref(release, uid)}>Why?</a>`}
  </li>`;
}
