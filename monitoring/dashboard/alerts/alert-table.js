/** The table of alerts, with a way to say that somebody looks after one. */

import { html } from "../view.js";
import { DeviceLink } from "../fleet/device-link.js";
import { releaseHref } from "../releases/address.js";
import { useApp } from "../shell/context.js";
import { useAttempt } from "../shell/dialog.js";
import { ago, moment } from "../shell/format.js";
import { now } from "../shell/now.js";
import { alertHref } from "./address.js";
import { causeInWords } from "./words.js";

/** @param {{alerts: import("./words.js").Alert[], changed: () => Promise<void>}} props */
export function AlertTable({ alerts, changed }) {
  return html`<div class="panel">
    <table class="alerts-table" role="table">
      <caption class="hidden">Alerts, the newest first</caption>
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">Alert</th>
          <th scope="col" role="columnheader">Device</th>
          <th scope="col" role="columnheader">Severity</th>
          <th scope="col" role="columnheader">Opened</th>
          <th scope="col" role="columnheader">State</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${alerts.map((alert) => html`<${AlertRow} key=${alert.id} alert=${alert} changed=${changed} />`)}
      </tbody>
    </table>
  </div>`;
}

/** @param {{alert: import("./words.js").Alert, changed: () => Promise<void>}} props */
function AlertRow({ alert, changed }) {
  const { api, session } = useApp();
  const { busy, error, attempt } = useAttempt(async () => {
    await api.post(`/alerts/${alert.id}/acknowledge`);
    await changed();
  });
  const opened = Date.parse(alert.opened_at);
  return html`<tr role="row" data-alert=${alert.id} data-state=${alert.state} data-acknowledged=${String(alert.acknowledged_at !== null)}>
    <th scope="row" role="rowheader">
      <a href=${alertHref(alert.id)}>${alert.rule_name}</a>
      <small>${causeInWords(alert)}${alert.release && html`, during <a href=${releaseHref(alert.release)}>${alert.release}</a>`}</small>
    </th>
    <td role="cell"><${DeviceLink} uid=${alert.device_uid} /></td>
    <td role="cell"><span class=${`severity ${alert.severity}`}>${alert.severity}</span></td>
    <td role="cell" class="when"><time datetime=${alert.opened_at} title=${moment(opened)}>${ago(opened, now.value)}</time></td>
    <td role="cell" class="stands">
      ${alert.state === "cleared" && html`<span class="none" title=${alert.cleared_at ? moment(alert.cleared_at) : ""}>cleared</span>`}
      ${alert.state === "active" && alert.acknowledged_at && html`<span title=${moment(alert.acknowledged_at)}>acknowledged</span>`}
      ${alert.state === "active" && !alert.acknowledged_at && !session.can("alerts:write") && html`<span>open</span>`}
      ${alert.state === "active" &&
      !alert.acknowledged_at &&
      session.can("alerts:write") &&
      html`<button type="button" class="secondary small" aria-label=${`Acknowledge ${alert.rule_name} of ${alert.device_uid}`} aria-busy=${busy} onClick=${attempt}>Acknowledge</button>`}
      ${error && html`<small class="wrong" role="alert">${error.message}</small>`}
    </td>
  </tr>`;
}
