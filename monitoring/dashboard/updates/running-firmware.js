/** What a device runs and, while it is updated, how far that is: for a line in a table. */

import { html } from "../view.js";
import { isOpen, stateAndProgress, word } from "./states.js";

/**
 * @param {object} props
 * @param {string | null} props.running the version
 * @param {import("../live/merge.js").Update | null} props.update
 */
export function RunningFirmware({ running, update }) {
  const version = running ? html`<span class="value">${running}</span>` : html`<span class="none">–</span>`;
  if (!update || !isOpen(update.state)) {
    const unwell = update && (update.state === "failed" || update.state === "timed_out");
    return html`${version}${unwell && html`<span class="update-state unwell" title=${update.error ?? ""}>update ${word(update.state)}</span>`}`;
  }
  return html`${running && version}
    ${running !== update.firmware_version && html` <span class="to">to <span class="value">${update.firmware_version}</span></span>`}
    <span class="update-state">${stateAndProgress(update)}</span>
    ${update.state === "downloading" && html`<progress max="100" value=${update.progress ?? 0} aria-label="Download"></progress>`}`;
}
