/** A device in a list: whether it is there, and its name, which leads to its page. */

import { html } from "../view.js";
import { deviceHref } from "../device/address.js";
import { useApp } from "../shell/context.js";
import { PresenceDot } from "../shell/presence-dot.js";

/** @param {{uid: string}} props */
export function DeviceLink({ uid }) {
  const { feed, names } = useApp();
  return html`<span class="device-link"><${PresenceDot} presence=${feed.device(uid).presence.value} /><a href=${deviceHref(uid)}>${names.of(uid)}</a></span>`;
}
