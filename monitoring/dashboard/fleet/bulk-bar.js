/** What can be done to the devices that are chosen. */

import { html, useSignal } from "../view.js";
import { useApp } from "../shell/context.js";
import { BulkAction } from "../actions/bulk-action.js";
import { BulkConfiguration } from "../configuration/bulk-configuration.js";
import { BulkGroup } from "./bulk-group.js";

const DOORS = { action: BulkAction, configuration: BulkConfiguration, group: BulkGroup };

/**
 * @param {object} props
 * @param {string} props.words how many, in words
 * @param {import("./target.js").Target} props.target
 * @param {(() => void) | null} props.widen takes all that the filters find
 * @param {() => void} props.clear
 */
export function BulkBar({ words, target, widen, clear }) {
  const { session } = useApp();
  const open = useSignal(/** @type {keyof typeof DOORS | null} */ (null));
  const Door = open.value && DOORS[open.value];
  const close = () => (open.value = null);
  return html`<div class="bulk-bar" role="region" aria-label="Chosen devices">
    <p role="status"><strong>${words}</strong></p>
    ${widen && html`<button type="button" class="link" onClick=${widen}>Choose all that match</button>`}
    <span class="doors">
      ${session.can("devices:write") &&
      html`<button type="button" class="small" onClick=${() => (open.value = "action")}>Ask for an action</button>
        <button type="button" class="small secondary" onClick=${() => (open.value = "configuration")}>Set configuration</button>
        ${"device_uids" in target && html`<button type="button" class="small secondary" onClick=${() => (open.value = "group")}>Put into a group</button>`}`}
      <button type="button" class="small secondary" onClick=${clear}>Choose none</button>
    </span>
    ${Door && html`<${Door} target=${target} close=${close} />`}
  </div>`;
}
