/** The charts of a device, one for each metric, over a span that a person chooses. */

import { html } from "../view.js";
import { forInput } from "../shell/format.js";
import { Icon } from "../shell/icons.js";
import { now } from "../shell/now.js";
import { Empty, Waiting } from "../shell/states.js";
import { deviceHref, SPANS } from "./address.js";
import { MetricChart } from "./chart.js";
import { AHEAD_MS, useRecording } from "./recorder.js";

/** @param {{uid: string, minutes: number, until: number | null}} props */
export function Charts({ uid, minutes, until }) {
  const { recording, revision, reading, error, retry } = useRecording(uid, minutes, until);
  const changed = revision.value;
  const names = recording.names();
  // A device's clock may run a little ahead; its newest sample must not fall off the edge.
  const end = until ?? Math.max(now.value, Math.min(recording.newest, now.value + AHEAD_MS));
  const span = until === null ? `the last ${minutes} minutes` : `these ${minutes} minutes`;

  return html`<section class="charts" aria-labelledby="measured">
    <div class="section-head">
      <h2 id="measured">Measured</h2>
      <p class="reading" role="status">${reading && names.length > 0 && "Reading history"}</p>
      <${ChosenTime} uid=${uid} minutes=${minutes} until=${until} />
      <nav class="choice" aria-label="History shown">
        ${SPANS.map(
          (length) => html`<a href=${deviceHref(uid, length, until)} aria-current=${length === minutes ? "true" : undefined}><span>${length} min</span></a>`,
        )}
      </nav>
    </div>
    ${error &&
    html`<p class="notice alarm" role="alert">
      The history could not be read. ${error.message} <button type="button" class="link" onClick=${retry}>Try again</button>
    </p>`}
    ${names.length === 0 && reading && html`<${Waiting}>Reading ${span}<//>`}
    ${names.length === 0 &&
    !reading &&
    !error &&
    html`<${Empty} title=${`Nothing measured in ${span}`}>
      ${until === null
        ? html`<p>A chart appears here as soon as the device publishes a number to <code>devices/${uid}/telemetry</code>.</p>`
        : html`<p>Choose another time, or go <a href=${deviceHref(uid, minutes)}>back to now</a>.</p>`}
    <//>`}
    <div class="chart-grid">
      ${names.map(
        (name) => html`<${MetricChart}
          key=${name}
          name=${name}
          series=${recording.series.get(name)}
          minutes=${minutes}
          span=${span}
          end=${end}
          revision=${changed}
        />`,
      )}
    </div>
  </section>`;
}

/**
 * Which time is shown: a step back, a step forth, or any moment of the past.
 * @param {{uid: string, minutes: number, until: number | null}} props
 */
function ChosenTime({ uid, minutes, until }) {
  const step = minutes * 60_000;
  const later = until === null || until + step >= now.value ? null : until + step;

  /** @param {Event} event */
  function choose(event) {
    const chosen = Date.parse(/** @type {HTMLInputElement} */ (event.currentTarget).value);
    location.hash = deviceHref(uid, minutes, Number.isNaN(chosen) || chosen >= Date.now() ? null : chosen);
  }

  return html`<div class="chosen-time">
    <a href=${deviceHref(uid, minutes, (until ?? now.value) - step)} aria-label=${`The ${minutes} minutes before`} title="Earlier"><${Icon} name="back" /></a>
    <label><span class="hidden">Shown until</span><input type="datetime-local" value=${until === null ? "" : forInput(until)} onChange=${choose} /></label>
    ${until !== null &&
    html`<a href=${deviceHref(uid, minutes, later)} aria-label=${`The ${minutes} minutes after`} title="Later"><${Icon} name="forth" /></a>
      <a class="to-now" href=${deviceHref(uid, minutes)}>Now</a>`}
  </div>`;
}
