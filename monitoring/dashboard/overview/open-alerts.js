/** The alerts that are open, the gravest first. */

import { html } from "../view.js";
import { alertHref } from "../alerts/address.js";
import { DeviceLink } from "../fleet/device-link.js";
import { useApp } from "../shell/context.js";
import { ago, moment, reading } from "../shell/format.js";
import { now } from "../shell/now.js";
import { href } from "../shell/router.js";
import { open } from "./lists.js";
import { OverviewPanel } from "./overview-panel.js";

const SHOWN = 8;

export function OpenAlerts() {
  const { connection, feed } = useApp();
  const alerts = open(feed.alerts.items.value.values());
  return html`<${OverviewPanel} name="alerts" title="Open alerts" count=${alerts.length} all=${href("alerts")} empty=${connection.snapshots.value > 0 ? "Nothing is wrong: no alert is open." : "Alerts are not known before the live connection is there."}>
    ${alerts.slice(0, SHOWN).map(
      (alert) => html`<li key=${alert.alert_id} data-alert=${alert.alert_id}>
        <span class=${`severity ${alert.severity}`}>${alert.severity}</span>
        <span class="what"><a href=${alertHref(alert.alert_id)}>${alert.rule_name}</a>${alert.value !== null && html` <span class="value">${reading(alert.value)}</span>`}</span>
        <${DeviceLink} uid=${alert.device_uid} />
        <time datetime=${new Date(alert.opened_at).toISOString()} title=${moment(alert.opened_at)}>${ago(alert.opened_at, now.value)}</time>
      </li>`,
    )}
  <//>`;
}
