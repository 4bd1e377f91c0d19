/** The charts of a device, one for each metric, over a span that a person chooses. */

import { html } from "../view.js";
import { now } from "../shell/now.js";
import { deviceHref, SPANS } from "../shell/router.js";
import { Empty, Waiting } from "../shell/states.js";
import { MetricChart } from "./chart.js";
import { AHEAD_MS, useRecording } from "./recorder.js";

/** @param {{uid: string, minutes: number}} props */
export function Charts({ uid, minutes }) {
  const { recording, revision, reading, error, retry } = useRecording(uid, minutes);
  const changed = revision.value;
  const names = recording.names();
  // A device's clock may run a little ahead; its newest sample must not fall off the edge.
  const end = Math.max(now.value, Math.min(recording.newest, now.value + AHEAD_MS));

  return html`<section class="charts" aria-labelledby="measured">
    <div class="section-head">
      <h2 id="measured">Measured</h2>
      <p class="reading" role="status">${reading && names.length > 0 && "Reading history"}</p>
      <nav class="choice" aria-label="History shown">
        ${SPANS.map(
          (span) => html`<a href=${deviceHref(uid, span)} aria-current=${span === minutes ? "true" : undefined}><span>${span} min</span></a>`,
        )}
      </nav>
    </div>
    ${error &&
    html`<p class="notice alarm" role="alert">
      The history could not be read. ${error.message} <button type="button" class="link" onClick=${retry}>Try again</button>
    </p>`}
    ${names.length === 0 && reading && html`<${Waiting}>Reading the last ${minutes} minutes<//>`}
    ${names.length === 0 &&
    !reading &&
    !error &&
    html`<${Empty} title=${`Nothing measured in the last ${minutes} minutes`}>
      <p>A chart appears here as soon as the device publishes a number to <code>devices/${uid}/telemetry</code>.</p>
    <//>`}
    <div class="chart-grid">
      ${names.map(
        (name) => html`<${MetricChart}
          key=${name}
          name=${name}
          series=${recording.series.get(name)}
          minutes=${minutes}
          end=${end}
          revision=${changed}
        />`,
      )}
    </div>
  </section>`;
}
