/** How far devices are, as a bar of parts and in words. */

import { html } from "../view.js";
import { counts, PARTS } from "./states.js";

/**
 * The parts are of one width a device. It is for the eye alone: the words beside it say the same.
 * @param {{progress: import("./states.js").Progress}} props
 */
function ProgressBar({ progress }) {
  const { devices } = progress;
  let from = 0;
  const bars = PARTS.filter((part) => part !== "waiting" && progress[part] > 0).map((part) => {
    const x = from;
    from += progress[part];
    return html`<rect key=${part} class=${part} x=${x} y="0" width=${progress[part]} height="1" />`;
  });
  return html`<svg class="progress-bar" viewBox=${`0 0 ${Math.max(1, devices)} 1`} preserveAspectRatio="none" aria-hidden="true">
    <rect class="waiting" x="0" y="0" width=${Math.max(1, devices)} height="1" />
    ${bars}
  </svg>`;
}

/**
 * The bar with its percentage and its counts.
 * @param {object} props
 * @param {import("./states.js").Progress} props.progress
 * @param {Parameters<typeof counts>[1]} [props.words]
 */
export function ProgressCell({ progress, words }) {
  return html`<div class="progress-cell" data-percent=${progress.percent} data-succeeded=${progress.succeeded} data-failed=${progress.failed}>
    <${ProgressBar} progress=${progress} />
    <span class="value">${progress.percent} %</span>
    <span class="told">${counts(progress, words)}</span>
  </div>`;
}
