/** Which devices a release is for: clusters, each chosen in its own way. */

import { html } from "../../view.js";
import { SelectionField } from "../selection-field.js";
import { many } from "../states.js";
import { Field } from "../../shell/field.js";
import { newCluster } from "./draft.js";

/** @param {import("./wizard.js").StepProps} props */
export function StepDevices({ draft, set, fault, preview }) {
  /** @param {number} place @param {Partial<import("./draft.js").Cluster>} changed */
  function change(place, changed) {
    set({ clusters: draft.clusters.map((cluster, each) => (each === place ? { ...cluster, ...changed } : cluster)) });
  }

  return html`
    <p class="explains">Devices in several clusters are known apart in the tree, and each wave takes its share of every cluster. A device that two of them find belongs to the first.</p>
    ${draft.clusters.map((cluster, place) => {
      const found = devicesOf(preview, place);
      return html`<fieldset class="cluster" key=${place}>
        <legend>${draft.clusters.length > 1 ? `Cluster ${place + 1}` : "Devices"}</legend>
        <${SelectionField} value=${cluster} set=${(/** @type {any} */ changed) => change(place, changed)} error=${fault(`clusters.${place}`)} />
        <div class="cluster-foot">
          ${draft.clusters.length > 1 && html`<${Field} label="Name" value=${cluster.name} set=${(/** @type {string} */ name) => change(place, { name })} maxlength="100" placeholder=${`cluster-${place + 1}`} />`}
          <p class="found" role="status">${found === null ? "" : many(found)}</p>
          ${draft.clusters.length > 1 &&
          html`<button type="button" class="link" aria-label=${`Remove cluster ${place + 1}`} onClick=${() => set({ clusters: draft.clusters.filter((_, each) => each !== place) })}>Remove</button>`}
        </div>
      </fieldset>`;
    })}
    <button type="button" class="secondary small" onClick=${() => set({ clusters: [...draft.clusters, { ...newCluster(), kind: "rql" }] })}>Add a cluster</button>
  `;
}

/**
 * How many devices a cluster has over all waves; every wave has a share of each, in the clusters' order.
 * @param {import("./wizard.js").StepProps["preview"]} preview
 * @param {number} place
 */
function devicesOf({ dryRun }, place) {
  return dryRun && dryRun.waves.reduce((sum, wave) => sum + (wave.clusters[place]?.devices ?? 0), 0);
}
