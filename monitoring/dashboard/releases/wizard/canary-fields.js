/** By what the devices of a canary's wave are compared with those that were not updated. */

import { html } from "../../view.js";
import { Check, Field, Select } from "../../shell/field.js";
import { MAX_METRIC_NAME } from "../../shell/metric-name.js";
import { newCriterion } from "./draft.js";

const MOST = 10;

/** @param {Pick<import("./wizard.js").StepProps, "draft" | "set" | "fault">} props */
export function CanaryFields({ draft, set, fault }) {
  /** @param {number} place @param {Partial<import("./draft.js").Criterion>} changed */
  function change(place, changed) {
    set({ canaryMetrics: draft.canaryMetrics.map((criterion, each) => (each === place ? { ...criterion, ...changed } : criterion)) });
  }

  return html`<fieldset class="canary-fields">
    <legend>Canary</legend>
    <p class="explains">When all else lets the next wave open, the devices of this one are compared for a while with those that were not updated. No verdict, no next wave.</p>
    ${draft.canaryMetrics.map(
      ({ metric, worse, tolerance }, place) => html`<div class="criterion" key=${place}>
        <${Field} label="Metric" value=${metric} set=${(/** @type {string} */ written) => change(place, { metric: written })} placeholder="temperature" maxlength=${MAX_METRIC_NAME} />
        <${Select} label="Worse is" value=${worse} set=${(/** @type {any} */ chosen) => change(place, { worse: chosen })} options=${[["higher", "higher"], ["lower", "lower"]]} />
        <${Field} label="Tolerated, percent" value=${tolerance} set=${(/** @type {string} */ written) => change(place, { tolerance: written })} inputmode="numeric" />
        <button type="button" class="link" aria-label=${`Remove ${metric || "the metric"}`} onClick=${() => set({ canaryMetrics: draft.canaryMetrics.filter((_, each) => each !== place) })}>Remove</button>
      </div>`,
    )}
    <p><button type="button" class="secondary small" disabled=${draft.canaryMetrics.length >= MOST} onClick=${() => set({ canaryMetrics: [...draft.canaryMetrics, newCriterion()] })}>Compare a metric</button></p>
    ${fault("canary") && html`<p class="notice alarm" role="alert">${fault("canary")}</p>`}
    <div class="fields">
      <${Check} label="Alerts count" value=${draft.canaryAlerts} set=${(/** @type {boolean} */ canaryAlerts) => set({ canaryAlerts })} hint="Those that are opened meanwhile." />
      <${Field} label="Compared for" value=${draft.canaryWindow} set=${(/** @type {string} */ canaryWindow) => set({ canaryWindow })} error=${fault("canaryWindow")} />
      <${Field} label="Devices on either side" value=${draft.canaryLeast} set=${(/** @type {string} */ canaryLeast) => set({ canaryLeast })} inputmode="numeric" hint="With fewer it says nothing certain, and the release waits for a person." error=${fault("canaryLeast")} />
    </div>
  </fieldset>`;
}
