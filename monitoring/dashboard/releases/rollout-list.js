/** What goes on over many devices, releases or batches: by state, page by page, the newest first. */

import { html, useMemo } from "../view.js";
import { createListing } from "../listing.js";
import { useApp } from "../shell/context.js";
import { ago, moment } from "../shell/format.js";
import { Heading } from "../shell/heading.js";
import { now } from "../shell/now.js";
import { href, replace } from "../shell/router.js";
import { Failure, Waiting } from "../shell/states.js";
import { Sections } from "./sections.js";
import { word } from "./states.js";

const PAGE = 50;

/**
 * @template Item
 * @param {string} path
 * @param {string | undefined} state
 * @returns {import("../listing.js").Listing<Item>}
 */
export function useRollouts(path, state) {
  const { api } = useApp();
  return useMemo(() => createListing(api, path, { query: state ? { state } : {}, page: PAGE }), [api, path, state]);
}

/**
 * @param {object} props
 * @param {"releases" | "batches"} props.here
 * @param {import("../listing.js").Listing<any>} props.list
 * @param {readonly string[]} props.states those that one may choose
 * @param {string | undefined} props.state the one that is chosen
 * @param {any} props.act the way to a new one
 * @param {any} props.empty what is shown when there is none
 * @param {any} props.children the table of those that there are
 */
export function RolloutList({ here, list, states, state, act, empty, children }) {
  const ready = list.phase.value === "ready";
  const failure = list.error.value;
  /** @param {string} chosen */
  const choose = (chosen) => replace(href("releases", here === "releases" ? [] : [here], { state: chosen }));
  return html`
    <${Heading} title=${here === "releases" ? "Releases" : "Batches"} />
    <div class="toolbar">
      <${Sections} here=${here} />
      <label class="select">
        <span class="hidden">State</span>
        <select value=${state ?? ""} onChange=${(/** @type {any} */ event) => choose(event.currentTarget.value)}>
          <option value="">Every state</option>
          ${states.map((each) => html`<option key=${each} value=${each}>${word(each)}</option>`)}
        </select>
      </label>
      ${act}
    </div>
    ${!ready && failure && html`<${Failure} title=${`The ${here} could not be read`} error=${failure} retry=${list.load} />`}
    ${!ready && !failure && html`<${Waiting}>Reading the ${here}<//>`}
    ${ready && failure && html`<p class="notice alarm" role="alert">${failure.message} <button type="button" class="link" onClick=${list.load}>Try again</button></p>`}
    ${ready && list.items.value.length === 0 && empty}
    ${ready && list.items.value.length > 0 && children}
    ${list.next.value !== null &&
    html`<p class="more"><button type="button" class="secondary" disabled=${list.reading.value} onClick=${list.more}>Load older ${here}</button></p>`}
  `;
}

/** @param {{caption: string, columns: string[], children: any}} props the last column, when a row has changed, is added */
export function RolloutTable({ caption, columns, children }) {
  return html`<div class="panel">
    <table class="rollouts" role="table">
      <caption class="hidden">${caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          ${columns.map((column) => html`<th scope="col" role="columnheader">${column}</th>`)}
          <th scope="col" role="columnheader" class="when">Changed</th>
        </tr>
      </thead>
      <tbody role="rowgroup">${children}</tbody>
    </table>
  </div>`;
}

/** The cell of the last column. @param {{at: string}} props RFC 3339 */
export function Changed({ at }) {
  const instant = Date.parse(at);
  return html`<td role="cell" class="when"><time datetime=${at} title=${moment(instant)}>${ago(instant, now.value)}</time></td>`;
}
