/** The charts of a device, one for each metric, over a span that a person chooses or draws over. */

import { html } from "../view.js";
import { newestDrawn } from "../live/merge.js";
import { useApp } from "../shell/context.js";
import { ago, forInput, moment } from "../shell/format.js";
import { Icon } from "../shell/icons.js";
import { now } from "../shell/now.js";
import { Empty, Waiting } from "../shell/states.js";
import { deviceHref, RESOLUTIONS, SPANS, spanWords } from "./address.js";
import { MetricChart } from "./chart.js";
import { AHEAD_MS, useRecording } from "./recorder.js";
import { useRollups } from "./rollups.js";

/** A longer span is read summed up; a shorter one sample by sample, and goes on as they come. */
const LIVE_MINUTES = 60;
/** So long after the newest number a look at it ends. */
const AFTER_MS = 5_000;

/** @param {{uid: string, chosen: import("./address.js").ChosenTime}} props */
export function Charts({ uid, chosen }) {
  const { minutes, resolution } = chosen;
  const live = minutes <= LIVE_MINUTES && (resolution === "auto" || resolution === "raw");
  return html`<section class="charts" aria-labelledby="measured">
    ${live ? html`<${Recorded} uid=${uid} chosen=${chosen} />` : html`<${SummedUp} uid=${uid} chosen=${chosen} />`}
  </section>`;
}

/** @typedef {{uid: string, chosen: import("./address.js").ChosenTime}} Shown */

/** @param {Shown} props */
function Recorded({ uid, chosen }) {
  const { minutes, until } = chosen;
  const { recording, revision, reading, error, retry } = useRecording(uid, minutes, until);
  const changed = revision.value;
  const series = new Map(recording.names().map((name) => /** @type {const} */ ([name, recording.series.get(name)])));
  // A device's clock may run a little ahead; its newest sample must not fall off the edge.
  const end = until ?? Math.max(now.value, Math.min(recording.newest, now.value + AHEAD_MS));
  return html`<${Head} uid=${uid} chosen=${chosen} state=${reading && series.size > 0 ? "Reading history" : ""} />
    <${Grid} uid=${uid} chosen=${chosen} series=${series} end=${end} revision=${changed} reading=${reading} error=${error} retry=${retry} />`;
}

/** @param {Shown} props */
function SummedUp({ uid, chosen }) {
  const { found, error, retry } = useRollups(uid, chosen);
  const state = found ? (found.bucketS === null ? "Every sample" : `${bucketWords(found.bucketS)} a point`) : "";
  return html`<${Head} uid=${uid} chosen=${chosen} state=${state} />
    <${Grid} uid=${uid} chosen=${chosen} series=${found?.series ?? new Map()} end=${chosen.until ?? found?.to ?? now.value} revision=${found} reading=${!found && !error} error=${error} retry=${retry} />`;
}

/** @param {number} seconds */
function bucketWords(seconds) {
  return seconds < 3_600 ? `${seconds / 60} min` : seconds < 86_400 ? `${seconds / 3_600} h` : `${seconds / 86_400} d`;
}

/**
 * @param {Shown & {series: Map<string, any>, end: number, revision: unknown, reading: boolean, error: Error | null, retry: () => void}} props
 */
function Grid({ uid, chosen, series, end, revision, reading, error, retry }) {
  const { minutes, until, resolution } = chosen;
  const span = until === null ? `the last ${spanWords(minutes)}` : `these ${spanWords(minutes)}`;

  /** Looks closer at what was drawn over. @param {number} from @param {number} to */
  function pick(from, to) {
    location.hash = deviceHref(uid, Math.max(1, Math.ceil((to - from) / 60_000)), to, resolution);
  }

  return html`
    ${error &&
    html`<p class="notice alarm" role="alert">
      The history could not be read. ${error.message} <button type="button" class="link" onClick=${retry}>Try again</button>
    </p>`}
    ${series.size === 0 && reading && html`<${Waiting}>Reading ${span}<//>`}
    ${series.size === 0 &&
    !reading &&
    !error &&
    html`<${Empty} title=${`Nothing measured in ${span}`}>
      ${until === null
        ? html`<${NothingNow} uid=${uid} chosen=${chosen} />`
        : html`<p>Choose another time, or go <a href=${deviceHref(uid, minutes)}>back to now</a>.</p>`}
    <//>`}
    <div class="chart-grid">
      ${[...series].map(
        ([name, one]) => html`<${MetricChart} key=${name} name=${name} series=${one} minutes=${minutes} span=${span} end=${end} revision=${revision} pick=${pick} />`,
      )}
    </div>
  `;
}

/** How a chart begins, or the way to what was measured last. @param {Shown} props */
function NothingNow({ uid, chosen: { minutes, resolution } }) {
  const last = newestDrawn(useApp().feed.device(uid).reading.value);
  if (last === null) return html`<p>A chart appears here as soon as the device publishes a number to <code>devices/${uid}/telemetry</code>.</p>`;
  return html`<p>Its newest number is of <time datetime=${new Date(last).toISOString()} title=${moment(last)}>${ago(last, now.value)}</time>: <a href=${deviceHref(uid, minutes, last + AFTER_MS, resolution)}>look there</a>.</p>`;
}

/** Which time is shown, and how finely. @param {Shown & {state: string}} props */
function Head({ uid, chosen, state }) {
  const { minutes, until, resolution } = chosen;
  return html`<div class="section-head">
    <h2 id="measured">Measured</h2>
    <p class="reading" role="status">${state}</p>
    <${ChosenTime} uid=${uid} chosen=${chosen} />
    <label class="resolution"><span class="hidden">Resolution</span>
      <select value=${resolution} title="Draw over a part of a chart to look closer" onChange=${(/** @type {any} */ event) => (location.hash = deviceHref(uid, minutes, until, event.currentTarget.value))}>
        ${RESOLUTIONS.map((one) => html`<option value=${one}>${one === "auto" ? "fitting" : one === "raw" ? "every sample" : `by the ${one}`}</option>`)}
      </select>
    </label>
    <nav class="choice" aria-label="History shown">
      ${SPANS.map(
        ([length, words]) => html`<a href=${deviceHref(uid, length, until, resolution)} aria-current=${length === minutes ? "true" : undefined}><span>${words}</span></a>`,
      )}
    </nav>
  </div>`;
}

/** A step back, a step forth, or any moment of the past. @param {Shown} props */
function ChosenTime({ uid, chosen: { minutes, until, resolution } }) {
  const step = minutes * 60_000;
  const later = until === null || until + step >= now.value ? null : until + step;
  const words = spanWords(minutes);

  /** @param {Event} event */
  function choose(event) {
    const chosen = Date.parse(/** @type {HTMLInputElement} */ (event.currentTarget).value);
    location.hash = deviceHref(uid, minutes, Number.isNaN(chosen) || chosen >= Date.now() ? null : chosen, resolution);
  }

  return html`<div class="chosen-time">
    <a href=${deviceHref(uid, minutes, (until ?? now.value) - step, resolution)} aria-label=${`The ${words} before`} title="Earlier"><${Icon} name="back" /></a>
    <label><span class="hidden">Shown until</span><input type="datetime-local" value=${until === null ? "" : forInput(until)} onChange=${choose} /></label>
    ${until !== null &&
    html`<a href=${deviceHref(uid, minutes, later, resolution)} aria-label=${`The ${words} after`} title="Later"><${Icon} name="forth" /></a>
      <a class="to-now" href=${deviceHref(uid, minutes, null, resolution)}>Now</a>`}
  </div>`;
}
