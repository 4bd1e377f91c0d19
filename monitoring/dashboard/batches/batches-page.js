/** The organization's batches, the newest first, with how far each is; those of releases are told of there. */

import { html, useMemo, useSignal } from "../view.js";
import { createListing } from "../listing.js";
import { useKept } from "../live/kept.js";
import { useNews } from "../live/news.js";
import { batchHref } from "../releases/address.js";
import { ProgressCell } from "../releases/progress-bar.js";
import { Sections } from "../releases/sections.js";
import { StateBadge } from "../releases/state-badge.js";
import { word } from "../releases/states.js";
import { useApp } from "../shell/context.js";
import { ago, moment } from "../shell/format.js";
import { Heading } from "../shell/heading.js";
import { now } from "../shell/now.js";
import { href, replace } from "../shell/router.js";
import { Empty, Failure, Waiting } from "../shell/states.js";
import { CreateBatch } from "./create-batch.js";
import { goesOn, progressOf, STATES } from "./states.js";

const PAGE = 50;

/** @param {{query: Record<string, string>}} props */
export function BatchesPage({ query }) {
  const { api, feed, session } = useApp();
  const creating = useSignal(false);
  const state = STATES.find((each) => each === query.state);
  const list = useMemo(() => {
    /** @type {import("../listing.js").Listing<import("./states.js").Batch>} */
    const listing = createListing(api, "/updates/batches", { query: state ? { state } : {}, page: PAGE });
    return listing;
  }, [api, state]);
  useNews(["batches"]);
  const batches = list.items.value;
  useKept(list.load, feed.batches.items.value, batches.some((batch) => goesOn(batch.state)));

  const ready = list.phase.value === "ready";
  const failure = list.error.value;
  return html`
    <${Heading} title="Batches" />
    <div class="toolbar">
      <${Sections} here="batches" />
      <label class="select">
        <span class="hidden">State</span>
        <select value=${state ?? ""} onChange=${(/** @type {any} */ event) => replace(href("releases", ["batches"], { state: event.currentTarget.value }))}>
          <option value="">Every state</option>
          ${STATES.map((each) => html`<option key=${each} value=${each}>${word(each)}</option>`)}
        </select>
      </label>
      ${session.can("updates:write") && html`<button type="button" class="act" onClick=${() => (creating.value = true)}>New batch</button>`}
    </div>
    ${!ready && failure && html`<${Failure} title="The batches could not be read" error=${failure} retry=${list.load} />`}
    ${!ready && !failure && html`<${Waiting}>Reading the batches<//>`}
    ${ready && failure && html`<p class="notice alarm" role="alert">${failure.message} <button type="button" class="link" onClick=${list.load}>Try again</button></p>`}
    ${ready &&
    batches.length === 0 &&
    html`<${Empty} title=${state ? "No batch is in this state" : "No batch yet"}>
      <p>A batch brings one firmware to many devices at once, without waves.${session.can("updates:write") && html` <button type="button" class="link" onClick=${() => (creating.value = true)}>Make one</button>.`}</p>
    <//>`}
    ${batches.length > 0 && html`<${BatchTable} batches=${batches} />`}
    ${list.next.value !== null &&
    html`<p class="more"><button type="button" class="secondary" disabled=${list.reading.value} onClick=${list.more}>Load older batches</button></p>`}
    ${creating.value && html`<${CreateBatch} close=${() => (creating.value = false)} />`}
  `;
}

/** @param {{batches: import("./states.js").Batch[]}} props */
function BatchTable({ batches }) {
  return html`<div class="panel">
    <table class="rollouts" role="table">
      <caption class="hidden">Batches, the newest first</caption>
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">Batch</th>
          <th scope="col" role="columnheader">State</th>
          <th scope="col" role="columnheader">Devices</th>
          <th scope="col" role="columnheader" class="when">Changed</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${batches.map((batch) => {
          const at = Date.parse(batch.updated_at);
          return html`<tr role="row" key=${batch.id} data-batch=${batch.id} data-state=${batch.state}>
            <th scope="row" role="rowheader">
              <a href=${batchHref(batch.id)}>${batch.name}</a>
              <span class="uid">${batch.rollback_of ? `takes batch ${batch.rollback_of} back` : `batch ${batch.id}`}</span>
            </th>
            <td role="cell" class="is"><${StateBadge} state=${batch.state} /></td>
            <td role="cell" class="far"><${ProgressCell} progress=${progressOf(batch)} /></td>
            <td role="cell" class="when"><time datetime=${batch.updated_at} title=${moment(at)}>${ago(at, now.value)}</time></td>
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}
