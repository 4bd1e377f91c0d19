/** What is known of a device: its newest values, and what it was registered as. */

import { html } from "../view.js";
import { inOrder } from "../live/merge.js";
import { useApp } from "../shell/context.js";
import { ago, moment, reading } from "../shell/format.js";
import { now } from "../shell/now.js";
import { runningVersion } from "../updates/states.js";

/** @param {{uid: string}} props */
export function LatestValues({ uid }) {
  const latest = useApp().feed.device(uid).reading.value;
  const metrics = inOrder(latest);
  return html`<section class="panel" aria-labelledby="latest">
    <h2 id="latest">Latest values</h2>
    ${metrics.length === 0
      ? html`<p class="none">Nothing yet</p>`
      : html`<dl class="latest">
          ${metrics.map(
            ([name, { value, ts }]) => html`<div key=${name} data-latest=${name} data-ts=${ts}>
              <dt>${name}</dt>
              <dd><span class="value">${reading(value)}</span> <time datetime=${new Date(ts).toISOString()} title=${moment(ts)}>${ago(ts, now.value)}</time></dd>
            </div>`,
          )}
        </dl>`}
  </section>`;
}

/** A status that only says whether the device is there is shown live, beside its name. */
const PRESENCE = new Set(["idle", "offline"]);

/**
 * The facts worth a line, with what is unknown left out.
 * @param {import("../fleet/inventory.js").Device} device
 * @param {string | null} [running] the version it runs
 * @returns {[string, string][]}
 */
export function factsOf(device, running = device.firmware_version) {
  /** @type {[string, unknown][]} */
  const facts = [
    ["Type", device.device_type],
    ["Serial number", device.serial_number],
    ["Hardware", device.hardware_version],
    ["Firmware", running],
    ["Lifecycle", device.lifecycle?.replaceAll("_", " ")],
    ["Status", PRESENCE.has(device.status) ? null : device.status],
    ["Updates", device.updates_enabled ? "allowed" : "held back"],
    ["Tags", (device.tags ?? []).join(", ")],
    ...Object.entries(device.attributes ?? {}),
    ...Object.entries(device.reported_attributes ?? {}).map(([name, value]) => /** @type {[string, unknown]} */ ([`${name} (reported)`, value])),
    ["Registered", device.registered_at && moment(device.registered_at)],
  ];
  return facts
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : String(value)]);
}

/** @param {{device: import("../fleet/inventory.js").Device}} props */
export function Facts({ device }) {
  const running = runningVersion(device, useApp().feed.device(device.device_uid).installed.value);
  return html`<section class="panel" aria-labelledby="facts">
    <h2 id="facts">Facts</h2>
    <dl class="facts">
      ${factsOf(device, running).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
    </dl>
  </section>`;
}
