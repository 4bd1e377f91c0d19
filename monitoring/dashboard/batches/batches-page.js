/** The organization's batches, the newest first, with how far each is; those of releases are told of there. */

import { html, useSignal } from "../view.js";
import { useKept } from "../live/kept.js";
import { useNews } from "../live/news.js";
import { batchHref } from "../releases/address.js";
import { ProgressCell } from "../releases/progress-bar.js";
import { Changed, RolloutList, RolloutTable, useRollouts } from "../releases/rollout-list.js";
import { StateBadge } from "../releases/state-badge.js";
import { useApp } from "../shell/context.js";
import { Empty } from "../shell/states.js";
import { CreateBatch } from "./create-batch.js";
import { goesOn, progressOf, STATES } from "./states.js";

/** @typedef {import("./states.js").Batch} Batch */

/** @param {{query: Record<string, string>}} props */
export function BatchesPage({ query }) {
  const { feed, session } = useApp();
  const creating = useSignal(false);
  const state = STATES.find((each) => each === query.state);
  const list = /** @type {import("../listing.js").Listing<Batch>} */ (useRollouts("/updates/batches", state));
  useNews(["batches"]);
  const batches = list.items.value;
  useKept(list.load, feed.batches.items.value, batches.some((batch) => goesOn(batch.state)));

  const create = () => (creating.value = true);
  const act = session.can("updates:write") && html`<button type="button" class="act" onClick=${create}>New batch</button>`;
  const empty = html`<${Empty} title=${state ? "No batch is in this state" : "No batch yet"}>
    <p>A batch brings one firmware to many devices at once, without waves.${session.can("updates:write") && html` <button type="button" class="link" onClick=${create}>Make one</button>.`}</p>
  <//>`;
  return html`
    <${RolloutList} here="batches" list=${list} states=${STATES} state=${state} act=${act} empty=${empty}>
      <${RolloutTable} caption="Batches, the newest first" columns=${["Batch", "State", "Devices"]}>
        ${batches.map((batch) => html`<${BatchRow} key=${batch.id} batch=${batch} />`)}
      <//>
    <//>
    ${creating.value && html`<${CreateBatch} close=${() => (creating.value = false)} />`}
  `;
}

/** @param {{batch: Batch}} props */
function BatchRow({ batch }) {
  return html`<tr role="row" data-batch=${batch.id} data-state=${batch.state}>
    <th scope="row" role="rowheader">
      <a href=${batchHref(batch.id)}>${batch.name}</a>
      <span class="uid">${batch.rollback_of ? `takes batch ${batch.rollback_of} back` : `batch ${batch.id}`}</span>
    </th>
    <td role="cell" class="is"><${StateBadge} state=${batch.state} /></td>
    <td role="cell" class="far"><${ProgressCell} progress=${progressOf(batch)} /></td>
    <${Changed} at=${batch.updated_at} />
  </tr>`;
}
