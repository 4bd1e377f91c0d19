/** The devices that are being updated, each with how far it is. */

import { html, useComputed } from "../view.js";
import { DeviceLink } from "../fleet/device-link.js";
import { useApp } from "../shell/context.js";
import { now } from "../shell/now.js";
import { href } from "../shell/router.js";
import { isOpen, stateAndProgress } from "../updates/states.js";
import { OverviewPanel } from "./overview-panel.js";

const SHOWN = 8;

export function RunningUpdates() {
  const { feed } = useApp();
  const running = useComputed(() => {
    void feed.updating.value;
    void now.value;
    return feed
      .uids()
      .flatMap((uid) => feed.device(uid).update.peek() ?? [])
      .filter(({ state }) => isOpen(state))
      .sort((one, other) => other.updated_at - one.updated_at);
  }).value;
  return html`<${OverviewPanel}
    name="updates"
    title="Updates under way"
    count=${running.length}
    all=${href("fleet", [], { show: "updating" })}
    empty="No device is being updated."
  >
    ${running.slice(0, SHOWN).map(
      (update) => html`<li key=${update.session_id}>
        <${DeviceLink} uid=${update.device_uid} />
        <span class="what">${update.firmware_name} <span class="value">${update.firmware_version}</span></span>
        <span class="state-word">${stateAndProgress(update)}</span>
      </li>`,
    )}
  <//>`;
}
