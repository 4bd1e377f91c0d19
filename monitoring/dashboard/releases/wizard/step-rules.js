/** When and how fast a release goes, and who has a say. */

import { html } from "../../view.js";
import { Check, Field } from "../../shell/field.js";
import { forInput } from "../../shell/format.js";
import { DAYS } from "./draft.js";

/** @param {import("./wizard.js").StepProps} props */
export function StepRules({ draft, set, fault }) {
  /** @param {string} day */
  function toggle(day) {
    set({ days: draft.days.includes(day) ? draft.days.filter((each) => each !== day) : [...draft.days, day] });
  }

  return html`
    <fieldset class="fields">
      <legend>When</legend>
      <${Field} label="Not before" type="datetime-local" value=${draft.startAt} set=${(/** @type {string} */ startAt) => set({ startAt })} min=${forInput(Date.now())} hint="By this machine's clock. Empty: as soon as somebody starts it." error=${fault("startAt")} />
      <${Check} label="Only in a maintenance window" value=${draft.windowed} set=${(/** @type {boolean} */ windowed) => set({ windowed })} hint="By the clock of each device's time zone (its attribute time_zone)." />
      ${draft.windowed &&
      html`<${Field} label="From" type="time" value=${draft.begins} set=${(/** @type {string} */ begins) => set({ begins })} required />
        <${Field} label="Until" type="time" value=${draft.ends} set=${(/** @type {string} */ ends) => set({ ends })} hint="Earlier than it begins: on the day after." required />
        <fieldset class="days">
          <legend>On</legend>
          ${DAYS.map((day) => html`<label key=${day}><input type="checkbox" checked=${draft.days.includes(day)} onChange=${() => toggle(day)} />${day}</label>`)}
          ${fault("days") && html`<small class="wrong">${fault("days")}</small>`}
        </fieldset>`}
    </fieldset>
    <fieldset class="fields">
      <legend>How fast</legend>
      <${Field} label="Devices an hour" value=${draft.perHour} set=${(/** @type {string} */ perHour) => set({ perHour })} inputmode="numeric" placeholder="any" hint="That a wave begins with, at most." error=${fault("perHour")} />
      <${Field} label="Devices at once" value=${draft.concurrency} set=${(/** @type {string} */ concurrency) => set({ concurrency })} inputmode="numeric" placeholder="any" hint="Of a cluster, at most." error=${fault("concurrency")} />
      <${Field} label="At once at one site" value=${draft.perSite} set=${(/** @type {string} */ perSite) => set({ perSite })} inputmode="numeric" placeholder="any" hint="Spares a thin link." error=${fault("perSite")} />
      <${Field} label="Time to take it up" value=${draft.deadline} set=${(/** @type {string} */ deadline) => set({ deadline })} placeholder="the platform's own" hint="A device silent for longer has failed." error=${fault("deadline")} />
      <${Field} label="Time to prove itself" value=${draft.deviceSoak} set=${(/** @type {string} */ deviceSoak) => set({ deviceSoak })} placeholder="none" hint="Connected with the new version, before it counts as updated." error=${fault("deviceSoak")} />
    </fieldset>
    <fieldset class="fields">
      <legend>Who and what</legend>
      <${Check} label="Needs approval" value=${draft.approval} set=${(/** @type {boolean} */ approval) => set({ approval })} hint="Somebody who may approve lets it start." />
      <${Check} label="Each update needs consent" value=${draft.consent} set=${(/** @type {boolean} */ consent) => set({ consent })} hint="It waits until a person or the device confirms it." />
      <${Check} label="Late joiners take part" value=${draft.joinLate} set=${(/** @type {boolean} */ joinLate) => set({ joinLate })} hint="Devices that come to match while it runs join its last wave." />
      <${Check} label="Older may replace newer" value=${draft.force} set=${(/** @type {boolean} */ force) => set({ force })} hint="Without it a device that runs something newer is left alone." />
    </fieldset>
  `;
}
