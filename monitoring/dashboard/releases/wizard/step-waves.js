/** In which waves a release goes, and what has to hold for the next one. */

import { html } from "../../view.js";
import { many } from "../states.js";
import { Check, Field, Select } from "../../shell/field.js";
import { CanaryFields } from "./canary-fields.js";
import { isWatched, total, wavesOf } from "./draft.js";

const SHAPES = /** @type {[string, number[]][]} */ ([
  ["All at once", [100]],
  ["10, 90", [10, 90]],
  ["10, 40, 50", [10, 40, 50]],
  ["1, 9, 40, 50", [1, 9, 40, 50]],
]);

/** @param {import("./wizard.js").StepProps} props */
export function StepWaves({ draft, set, fault, preview }) {
  const sum = total(draft);

  /** @param {number} place @param {Partial<import("./draft.js").Wave>} changed */
  function change(place, changed) {
    set({ waves: draft.waves.map((wave, each) => (each === place ? { ...wave, ...changed } : wave)) });
  }

  return html`
    <p class="shapes">
      <span id="shapes">Begin with</span>
      ${SHAPES.map(([name, percentages]) => html`<button key=${name} type="button" class="secondary small" aria-describedby="shapes" onClick=${() => set({ waves: wavesOf(percentages) })}>${name}</button>`)}
    </p>
    <ol class="wave-list">
      ${draft.waves.map(
        ({ percent, soak, canary }, place) => html`<li key=${place}>
          <strong>Wave ${place + 1}</strong>
          <${Field} label="Share in percent" value=${percent} set=${(/** @type {string} */ written) => change(place, { percent: written })} inputmode="numeric" error=${fault(`waves.${place}`)} />
          ${place < draft.waves.length - 1 &&
          html`<${Field} label="Soak before the next" value=${soak} set=${(/** @type {string} */ written) => change(place, { soak: written })} placeholder="none" error=${fault(`waves.${place}.soak`)} />`}
          ${place < draft.waves.length - 1 && html`<${Check} label="Canary" value=${canary} set=${(/** @type {boolean} */ watched) => change(place, { canary: watched })} />`}
          <span class="found" role="status">${preview.dryRun ? many(preview.dryRun.waves[place]?.devices ?? 0) : ""}</span>
          ${draft.waves.length > 1 && html`<button type="button" class="link" aria-label=${`Remove wave ${place + 1}`} onClick=${() => set({ waves: draft.waves.filter((_, each) => each !== place) })}>Remove</button>`}
        </li>`,
      )}
    </ol>
    <p class="wave-sum">
      <button type="button" class="secondary small" onClick=${() => set({ waves: [...draft.waves.map((wave) => ({ ...wave, soak: wave.soak || "30 min" })), { percent: sum < 100 ? String(100 - sum) : "", soak: "", canary: false }] })}>Add a wave</button>
      <span role="status" class=${sum === 100 ? "" : "wrong"}>${sum} of 100 percent</span>
    </p>
    ${fault("waves") && html`<p class="notice alarm" role="alert">${fault("waves")}</p>`}
    ${draft.waves.some((_, place) => isWatched(draft, place)) && html`<${CanaryFields} draft=${draft} set=${set} fault=${fault} />`}
    <fieldset class="fields">
      <legend>A wave's gate</legend>
      <${Field} label="Passes at, percent updated" value=${draft.success} set=${(/** @type {string} */ success) => set({ success })} inputmode="numeric" hint="Then it soaks, then the next one opens." error=${fault("success")} />
      <${Field} label="Fails at, percent failed" value=${draft.failure} set=${(/** @type {string} */ failure) => set({ failure })} inputmode="numeric" hint="A device that stays silent counts as failed." error=${fault("failure")} />
      <${Select}
        label="When a wave fails"
        value=${draft.onFailure}
        set=${(/** @type {any} */ onFailure) => set({ onFailure })}
        options=${[["pause", "pause, and wait for a person"], ["fail", "end the release"], ["rollback", "roll everything back"]]}
      />
      <${Field} label="A wave fails after" value=${draft.longest} set=${(/** @type {string} */ longest) => set({ longest })} placeholder="never" hint="If it has not passed by then." error=${fault("longest")} />
    </fieldset>
  `;
}
