/** The state of a release or of a part of it, by its word. */

import { html } from "../view.js";
import { word } from "./states.js";

/** @param {{state: string}} props */
export function StateBadge({ state }) {
  return html`<span class="state-badge" data-state=${state}>${word(state)}</span>`;
}
