/** One device: whether it is there, what it measures, what it is asked for, how it is set, and who changed what. */

import { html, useEffect, useSignal } from "../view.js";
import { ApiError } from "../rest.js";
import { ActionsPanel } from "../actions/actions-panel.js";
import { ConfigurationPanel } from "../configuration/configuration-panel.js";
import { catchUp } from "../live/catch-up.js";
import { useApp } from "../shell/context.js";
import { ago, duration, moment } from "../shell/format.js";
import { Heading } from "../shell/heading.js";
import { Icon } from "../shell/icons.js";
import { now } from "../shell/now.js";
import { PresenceDot, presenceWord } from "../shell/presence-dot.js";
import { href } from "../shell/router.js";
import { Empty, Failure, Waiting } from "../shell/states.js";
import { UpdatesPanel } from "../updates/updates-panel.js";
import { isOpen } from "../updates/states.js";
import { chosenTime } from "./address.js";
import { AuditPanel } from "./audit-panel.js";
import { Charts } from "./charts.js";
import { Facts, LatestValues } from "./facts.js";
import { Uptime } from "./uptime.js";

/** The sides of a device, by the last part of the address. */
const SIDES = /** @type {const} */ ([["", "Measured"], ["actions", "Actions"], ["configuration", "Configuration"], ["log", "Log"]]);

/** @param {{parts: string[], query: Record<string, string>}} props */
export function DevicePage({ parts: [uid = "", side = ""], query }) {
  const { device, failure, retry } = useDevice(uid);
  const name = device?.name ?? uid;

  return html`
    <p class="way"><a href=${href("fleet")}><${Icon} name="back" />Fleet</a></p>
    <div class="device-head">
      <${Heading} title=${name} />
      ${device?.name && html`<p class="uid">${uid}</p>`}
      ${device && html`<${PresenceBadge} uid=${device.device_uid} />`}
    </div>
    ${!device && !failure && html`<${Waiting}>Reading the device<//>`}
    ${failure && failure.status === 404 && html`<${Empty} title="No such device">
      <p>Your organization has no device ${uid}. It may have been named differently. <a href=${href("fleet")}>See the fleet</a></p>
    <//>`}
    ${failure && failure.status !== 404 && html`<${Failure} title="The device could not be read" error=${failure} retry=${retry} />`}
    ${device &&
    html`<nav class="tabs" aria-label="Sides of this device">
        ${SIDES.map(([key, words]) => html`<a key=${key} href=${href("devices", key ? [uid, key] : [uid])} aria-current=${key === side ? "page" : undefined}>${words}</a>`)}
      </nav>
      <${Side} device=${device} side=${side} query=${query} />`}
  `;
}

/** @param {{device: import("../fleet/inventory.js").Device, side: string, query: Record<string, string>}} props */
function Side({ device, side, query }) {
  const { session } = useApp();
  const uid = device.device_uid;
  if (side === "actions") return html`<${ActionsPanel} uid=${uid} />`;
  if (side === "configuration") return html`<${ConfigurationPanel} uid=${uid} />`;
  if (side === "log") return html`<${AuditPanel} uid=${uid} />`;
  return html`<div class="device-body">
    <div class="device-main">
      ${session.can("updates:read") && html`<${UpdatesPanel} device=${device} />`}
      <${Charts} uid=${uid} chosen=${chosenTime(query)} />
    </div>
    <div class="device-side"><${LatestValues} uid=${uid} /><${Uptime} uid=${uid} /><${Facts} device=${device} /></div>
  </div>`;
}

/**
 * The device over REST, and its newest state; its live samples while the page is open.
 * @param {string} uid
 */
function useDevice(uid) {
  const { api, feed, connection } = useApp();
  const device = useSignal(/** @type {import("../fleet/inventory.js").Device | null} */ (null));
  const failure = useSignal(/** @type {ApiError | null} */ (null));
  const attempt = useSignal(0);
  const update = feed.device(uid).update.value;
  const ended = update && !isOpen(update.state) ? update.session_id : null;

  // An update that has ended may have left another version behind, so the device is read again then.
  useEffect(() => {
    const abort = new AbortController();
    failure.value = null;
    api.get(`/devices/${encodeURIComponent(uid)}`, {}, abort.signal).then(
      (found) => {
        device.value = found;
      },
      (error) => {
        if (!abort.signal.aborted && !device.peek()) failure.value = error;
      },
    );
    return () => abort.abort();
  }, [uid, attempt.value, ended]);

  const known = device.value?.device_uid;
  useEffect(() => {
    if (!known) return undefined;
    scrollTo(0, 0);
    const abort = new AbortController();
    // The page stands without this: the snapshot brings the same, and the charts tell of a platform that is away.
    catchUp({ api, feed }, known, abort.signal).catch(() => null);
    const leave = connection.watch({ devices: [known] });
    return () => {
      abort.abort();
      leave();
    };
  }, [known]);

  return { device: device.value, failure: failure.value, retry: () => (attempt.value += 1) };
}

/** @param {{uid: string}} props */
function PresenceBadge({ uid }) {
  const presence = useApp().feed.device(uid).presence.value;
  const word = presenceWord(presence);
  return html`<p class=${presence?.online ? "badge online" : "badge"} data-online=${String(presence?.online ?? false)}>
    <span aria-hidden="true"><${PresenceDot} presence=${presence} /></span>
    <strong>${word}</strong>
    ${presence &&
    html`<time datetime=${new Date(presence.since).toISOString()} title=${moment(presence.since)}>
      ${presence.online ? `for ${duration(now.value - presence.since)}` : `since ${ago(presence.since, now.value)}`}
    </time>`}
  </p>`;
}
