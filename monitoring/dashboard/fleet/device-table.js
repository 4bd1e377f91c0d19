/** The table of devices. A row listens to its own device only, so that a busy fleet repaints what changed. */

import { html } from "../view.js";
import { deviceHref } from "../device/address.js";
import { useApp } from "../shell/context.js";
import { inOrder } from "../live/merge.js";
import { ago, moment, reading } from "../shell/format.js";
import { now } from "../shell/now.js";
import { href } from "../shell/router.js";
import { PresenceDot } from "../shell/presence-dot.js";
import { RunningFirmware } from "../updates/running-firmware.js";
import { runningVersion } from "../updates/states.js";

const METRICS_SHOWN = 3;
/** Where a device is in its life is told when it is not what one expects. */
const TOLD = new Set(["maintenance", "retired"]);

/**
 * @param {object} props
 * @param {import("./inventory.js").Device[]} props.devices
 * @param {import("../view.js").Signal<ReadonlySet<string>> | null} props.chosen the uids that are ticked; null when nothing is to be chosen
 */
export function DeviceTable({ devices, chosen }) {
  /** @param {boolean} all */
  const tick = (all) => chosen && (chosen.value = new Set(all ? devices.map((device) => device.device_uid) : []));
  const every = chosen !== null && devices.every((device) => chosen.value.has(device.device_uid));
  return html`<div class="panel">
    <table class=${chosen ? "devices choosing" : "devices"} role="table">
      <caption class="hidden">Devices, with what each said last</caption>
      <thead role="rowgroup">
        <tr role="row">
          ${chosen &&
          html`<td role="cell" class="tick"><input type="checkbox" aria-label="Choose all that are shown" checked=${every} indeterminate=${!every && chosen.value.size > 0} onChange=${(/** @type {any} */ event) => tick(event.currentTarget.checked)} /></td>`}
          <th scope="col" role="columnheader">Device</th>
          <th scope="col" role="columnheader">Type</th>
          <th scope="col" role="columnheader">Firmware</th>
          <th scope="col" role="columnheader">Last values</th>
          <th scope="col" role="columnheader" class="seen">Last seen</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${devices.map((device) => html`<${DeviceRow} key=${device.device_uid} device=${device} chosen=${chosen} />`)}
      </tbody>
    </table>
  </div>`;
}

/** @param {{device: import("./inventory.js").Device, chosen: import("../view.js").Signal<ReadonlySet<string>> | null}} props */
function DeviceRow({ device, chosen }) {
  const heard = useApp().feed.device(device.device_uid);
  const presence = heard.presence.value;
  const latest = heard.reading.value;
  const update = heard.update.value;
  const running = runningVersion(device, heard.installed.value);
  return html`<tr
    role="row"
    data-uid=${device.device_uid}
    data-online=${String(presence?.online ?? false)}
    data-newest=${latest?.ts}
    data-version=${running}
    data-update=${update?.state}
  >
    ${chosen && html`<td role="cell" class="tick"><${Tick} device=${device} chosen=${chosen} /></td>`}
    <th scope="row" role="rowheader">
      <div class="who">
        <${PresenceDot} presence=${presence} />
        <a href=${deviceHref(device.device_uid)}>${device.name ?? device.device_uid}</a>
        <span class="uid">${device.name !== null && device.device_uid}</span>
      </div>
    </th>
    <td role="cell" class="type">
      ${device.device_type ? html`<a href=${href("fleet", [], { type: device.device_type })}>${device.device_type}</a>` : html`<span class="none">–</span>`}
      ${TOLD.has(device.lifecycle) && html`<span class="tag">${device.lifecycle.replace("_", " ")}</span>`}
      ${device.status === "error" && html`<span class="tag unwell">error</span>`}
    </td>
    <td role="cell" class="runs"><${RunningFirmware} running=${running} update=${update} /></td>
    <td role="cell" class="values"><${LastValues} latest=${latest} /></td>
    <td role="cell" class="seen"><${LastSeen} presence=${presence} latest=${latest} /></td>
  </tr>`;
}

/** @param {{device: import("./inventory.js").Device, chosen: import("../view.js").Signal<ReadonlySet<string>>}} props */
function Tick({ device: { device_uid: uid, name }, chosen }) {
  function toggle() {
    const next = new Set(chosen.peek());
    if (!next.delete(uid)) next.add(uid);
    chosen.value = next;
  }
  return html`<input type="checkbox" aria-label=${`Choose ${name ?? uid}`} checked=${chosen.value.has(uid)} onChange=${toggle} />`;
}

/** @param {{latest: import("../live/merge.js").Reading | null}} props */
function LastValues({ latest }) {
  if (!latest) return html`<span class="none">nothing yet</span>`;
  const metrics = inOrder(latest);
  const shown = metrics.slice(0, METRICS_SHOWN);
  const beyond = metrics.length - shown.length;
  return html`<ul>
    ${shown.map(
      ([name, { value }], place) =>
        html`<li key=${name}>
          <span class="metric">${name}</span> <span class="value">${reading(value)}</span>
          ${beyond > 0 && place === shown.length - 1 && html`<span class="none" title=${`${beyond} more`}>+${beyond}</span>`}
        </li>`,
    )}
  </ul>`;
}

/**
 * @param {object} props
 * @param {import("../live/merge.js").Presence | null} props.presence
 * @param {import("../live/merge.js").Reading | null} props.latest
 */
function LastSeen({ presence, latest }) {
  const seen = Math.max(latest?.ts ?? -Infinity, presence?.since ?? -Infinity);
  if (seen === -Infinity) return html`<span class="none">never</span>`;
  return html`<time datetime=${new Date(seen).toISOString()} title=${moment(seen)}>${ago(seen, now.value)}</time>`;
}
