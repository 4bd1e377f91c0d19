/** How many of many are how far: a bar in parts, and the same in words. */

import { html } from "../view.js";

/** What went well first, what has not begun last. */
const ORDER = ["succeeded", "completed", "running", "dispatched", "failed", "timed_out", "cancelled", "pending"];

/** @param {{counts: Record<string, number>, total: number}} props */
export function Tally({ counts, total }) {
  const parts = ORDER.flatMap((state) => (counts[state] > 0 ? [{ state, count: counts[state] }] : []));
  const words = parts.map(({ state, count }) => `${count} ${state.replaceAll("_", " ")}`).join(", ");
  let at = 0;
  return html`<div class="tally" ...${Object.fromEntries(parts.map(({ state, count }) => [`data-${state.replaceAll("_", "-")}`, count]))}>
    <svg viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label=${words || "nothing yet"}>
      ${parts.map(({ state, count }) => {
        const from = at;
        at += (count / Math.max(1, total)) * 1000;
        return html`<rect key=${state} class=${state} x=${from} width=${at - from} height="10" />`;
      })}
    </svg>
    <p role="status">${parts.map(({ state, count }) => html`<span key=${state} class=${state}><strong>${count}</strong> ${state.replaceAll("_", " ")}</span>`)}</p>
  </div>`;
}
