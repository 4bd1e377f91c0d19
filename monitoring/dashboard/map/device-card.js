/** The device that was pointed at on the map: its name, what it said last, and the way to its page. */

import { html } from "../view.js";
import { deviceHref } from "../device/address.js";
import { inOrder } from "../live/merge.js";
import { useApp } from "../shell/context.js";
import { ago, reading } from "../shell/format.js";
import { Icon } from "../shell/icons.js";
import { now } from "../shell/now.js";
import { PresenceDot, presenceWord } from "../shell/presence-dot.js";

const SHOWN = 5;

/** @param {{uid: string, close: () => void}} props */
export function DeviceCard({ uid, close }) {
  const { feed, names } = useApp();
  const heard = feed.device(uid);
  const presence = heard.presence.value;
  const latest = heard.reading.value;
  return html`<aside class="panel device-card" aria-label=${names.of(uid)} data-uid=${uid}>
    <header>
      <h2><a href=${deviceHref(uid)}>${names.of(uid)}</a></h2>
      <button type="button" class="quiet" aria-label="Close" onClick=${close}><${Icon} name="close" /></button>
    </header>
    <p><${PresenceDot} presence=${presence} /> ${presenceWord(presence)}${presence && ` since ${ago(presence.since, now.value)}`}</p>
    <dl>${inOrder(latest).slice(0, SHOWN).map(([name, { value }]) => html`<div key=${name}><dt>${name}</dt><dd class="value">${reading(value)}</dd></div>`)}</dl>
  </aside>`;
}
