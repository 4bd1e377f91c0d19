/** What a release will come to, by wave and cluster, with the obstacles; its name, and the end of drawing it up. */

import { html } from "../../view.js";
import { Field, Lines } from "../../shell/field.js";
import { Waiting } from "../../shell/states.js";
import { many } from "../states.js";
import { obstaclesInWords } from "./obstacles.js";
import { stepOf } from "./draft.js";

/** @param {import("./wizard.js").StepProps} props */
export function StepCheck({ draft, set, fault, preview, go }) {
  const { dryRun, error, asking, again } = preview;
  return html`
    <div class="fields">
      <${Field} label="Name" value=${draft.name} set=${(/** @type {string} */ name) => set({ name })} maxlength="100" placeholder="January" error=${fault("name")} />
      <div class="wide"><${Lines} label="Description" value=${draft.description} set=${(/** @type {string} */ description) => set({ description })} maxlength="2000" rows="1" /></div>
    </div>
    <h3>What it would come to now</h3>
    ${asking && html`<${Waiting}>Asking the platform<//>`}
    ${error && html`<${Refused} error=${error} go=${go} again=${again} />`}
    ${dryRun && html`<${Outcome} dryRun=${dryRun} />`}
    ${!asking && !error && !dryRun && html`<p class="notice">Mend what is missing in the steps before; then it is asked here.</p>`}
  `;
}

/** @param {{dryRun: import("./preview.js").DryRun}} props */
function Outcome({ dryRun }) {
  const obstacles = obstaclesInWords(dryRun.obstacles);
  const stopped = Object.values(dryRun.obstacles).reduce((sum, number) => sum + number, 0);
  return html`<div class="outcome-of" data-devices=${dryRun.devices} data-obstacles=${stopped}>
    ${dryRun.devices === 0 && html`<p class="notice alarm" role="status">No device would be updated: no cluster finds any.</p>`}
    ${dryRun.devices > 0 && stopped === dryRun.devices && html`<p class="notice alarm" role="status">No device could be updated as things are now.</p>`}
    <table role="table">
      <caption class="hidden">Waves and clusters of the release, with how many devices each has</caption>
      <thead role="rowgroup">
        <tr role="row"><th scope="col" role="columnheader">Wave</th><th scope="col" role="columnheader">Devices</th><th scope="col" role="columnheader">Could not be updated now</th></tr>
      </thead>
      ${dryRun.waves.map(
        (wave) => html`<tbody key=${wave.id} role="rowgroup">
          <tr role="row" class="of-wave"><th scope="row" role="rowheader">${wave.name}</th><td role="cell" class="value">${wave.devices}</td><td role="cell"></td></tr>
          ${wave.clusters.map(
            (cluster) => html`<tr role="row" key=${cluster.id}>
              <th scope="row" role="rowheader" class="of-cluster">${cluster.name}</th>
              <td role="cell" class="value">${cluster.devices}</td>
              <td role="cell">${obstaclesInWords(cluster.obstacles).map(({ words, devices }) => `${devices} ${words}`).join("; ") || html`<span class="none">none</span>`}</td>
            </tr>`,
          )}
        </tbody>`,
      )}
      <tfoot role="rowgroup"><tr role="row"><th scope="row" role="rowheader">Together</th><td role="cell" class="value">${dryRun.devices}</td><td role="cell">${stopped > 0 ? many(stopped) : html`<span class="none">none</span>`}</td></tr></tfoot>
    </table>
    ${obstacles.length > 0 &&
    html`<ul class="obstacles" aria-label="Obstacles">
      ${obstacles.map(({ words, devices, next }) => html`<li key=${words}><strong>${many(devices)}: ${words}.</strong> ${next}</li>`)}
    </ul>`}
  </div>`;
}

/**
 * @param {object} props
 * @param {Error & {places?: {location: string[], message: string}[]}} props.error
 * @param {(step: import("./draft.js").Step) => void} props.go
 * @param {() => void} props.again
 */
export function Refused({ error, go, again }) {
  const places = error.places ?? [];
  return html`<div class="notice alarm" role="alert">
    <p>${error.message}${places.length === 0 && html` <button type="button" class="link" onClick=${again}>Ask again</button>`}</p>
    ${places.length > 0 &&
    html`<ul>
      ${places.map(({ location, message }) => html`<li key=${location.join()}>${message} <button type="button" class="link" onClick=${() => go(stepOf(location))}>Go there</button></li>`)}
    </ul>`}
  </div>`;
}
