/** Whether a device is there: by shape as well as by colour, and in words for those who see neither. */

import { html } from "../view.js";

/** @param {import("../live/merge.js").Presence | null} presence */
export function presenceWord(presence) {
  return presence === null ? "never connected" : presence.online ? "online" : "offline";
}

/** @param {{presence: import("../live/merge.js").Presence | null}} props */
export function PresenceDot({ presence }) {
  const word = presenceWord(presence);
  return html`<span class="presence ${presence?.online ? "online" : "offline"}" role="img" aria-label=${word} title=${word}></span>`;
}
