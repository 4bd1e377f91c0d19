/** The fleet at a glance: who is there, what is wrong, what is under way. */

import { html, useEffect } from "../view.js";
import { FirstDevice } from "../fleet/first-device.js";
import { useWholeFleet } from "../live/whole-fleet.js";
import { useApp } from "../shell/context.js";
import { Heading } from "../shell/heading.js";
import { Failure, Waiting } from "../shell/states.js";
import { Headline } from "./headline.js";
import { LatelyAway } from "./lately-away.js";
import { OpenAlerts } from "./open-alerts.js";
import { RunningReleases } from "./running-releases.js";
import { RunningUpdates } from "./running-updates.js";

export function OverviewPage() {
  const { inventory, session } = useApp();
  useWholeFleet();
  useEffect(() => void inventory.load(), []);
  const ready = inventory.phase.value === "ready";
  const failure = inventory.error.value;
  const updates = session.can("updates:read");

  return html`
    <${Heading} title="Overview" />
    ${!ready && failure && html`<${Failure} title="The fleet could not be read" error=${failure} retry=${inventory.load} />`}
    ${!ready && !failure && html`<${Waiting}>Reading the fleet<//>`}
    ${ready && inventory.devices.value.length === 0 && html`<${FirstDevice} load=${inventory.load} />`}
    ${ready &&
    inventory.devices.value.length > 0 &&
    html`<${Headline} />
      <div class="overview">
        ${session.can("telemetry:read") && html`<${OpenAlerts} />`}
        ${updates && html`<${RunningReleases} />`}
        ${updates && html`<${RunningUpdates} />`}
        <${LatelyAway} />
      </div>`}
  `;
}
