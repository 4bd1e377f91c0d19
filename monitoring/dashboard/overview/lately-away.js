/** The devices that went away last. */

import { html, useComputed } from "../view.js";
import { DeviceLink } from "../fleet/device-link.js";
import { useApp } from "../shell/context.js";
import { ago, moment } from "../shell/format.js";
import { now } from "../shell/now.js";
import { href } from "../shell/router.js";
import { latelyAway } from "./lists.js";
import { OverviewPanel } from "./overview-panel.js";

const SHOWN = 8;

export function LatelyAway() {
  const { feed } = useApp();
  // Looked at by the clock: one that comes while another goes changes no number.
  const away = useComputed(() => {
    void now.value;
    return latelyAway(feed.uids(), (uid) => feed.device(uid).presence.peek(), SHOWN);
  }).value;
  return html`<${OverviewPanel}
    name="away"
    title="Went away lately"
    count=${away.length}
    all=${href("fleet", [], { show: "offline" })}
    empty="Everybody who has ever connected is here."
  >
    ${away.map(
      ({ uid, since }) => html`<li key=${uid}>
        <${DeviceLink} uid=${uid} />
        <time datetime=${new Date(since).toISOString()} title=${moment(since)}>${ago(since, now.value)}</time>
      </li>`,
    )}
  <//>`;
}
