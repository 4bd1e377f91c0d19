/** The organization's releases, the newest first, with how far each is. */

import { html, useMemo } from "../view.js";
import { createListing } from "../listing.js";
import { useKept } from "../live/kept.js";
import { useNews } from "../live/news.js";
import { useApp } from "../shell/context.js";
import { ago, moment } from "../shell/format.js";
import { Heading } from "../shell/heading.js";
import { now } from "../shell/now.js";
import { href, replace } from "../shell/router.js";
import { Empty, Failure, Waiting } from "../shell/states.js";
import { NEW_RELEASE_HREF, releaseHref } from "./address.js";
import { ProgressCell } from "./progress-bar.js";
import { Sections } from "./sections.js";
import { StateBadge } from "./state-badge.js";
import { goesOn, STATES, word } from "./states.js";

const PAGE = 50;

/** @param {{query: Record<string, string>}} props */
export function ReleaseList({ query }) {
  const { api, feed, session } = useApp();
  const state = STATES.find((each) => each === query.state);
  const list = useMemo(() => {
    /** @type {import("../listing.js").Listing<import("./states.js").Release>} */
    const listing = createListing(api, "/releases", { query: state ? { state } : {}, page: PAGE });
    return listing;
  }, [api, state]);
  useNews(["releases", "batches"]);
  const releases = list.items.value;
  useKept(list.load, `${feed.releases.items.value.size} ${newest(feed.releases.items.value)} ${newest(feed.batches.items.value)}`, releases.some((release) => goesOn(release.state)));

  const ready = list.phase.value === "ready";
  const failure = list.error.value;
  return html`
    <${Heading} title="Releases" />
    <div class="toolbar">
      <${Sections} here="releases" />
      <label class="select">
        <span class="hidden">State</span>
        <select value=${state ?? ""} onChange=${(/** @type {any} */ event) => replace(href("releases", [], { state: event.currentTarget.value }))}>
          <option value="">Every state</option>
          ${STATES.map((each) => html`<option key=${each} value=${each}>${word(each)}</option>`)}
        </select>
      </label>
      ${session.can("updates:write") && html`<a class="act" href=${NEW_RELEASE_HREF}>New release</a>`}
    </div>
    ${!ready && failure && html`<${Failure} title="The releases could not be read" error=${failure} retry=${list.load} />`}
    ${!ready && !failure && html`<${Waiting}>Reading the releases<//>`}
    ${ready && failure && html`<p class="notice alarm" role="alert">${failure.message} <button type="button" class="link" onClick=${list.load}>Try again</button></p>`}
    ${ready && releases.length === 0 && html`<${NoReleases} filtered=${state !== undefined} />`}
    ${ready && releases.length > 0 && html`<${ReleaseTable} releases=${releases} />`}
    ${list.next.value !== null &&
    html`<p class="more"><button type="button" class="secondary" disabled=${list.reading.value} onClick=${list.more}>Load older releases</button></p>`}
  `;
}

/** The time of the newest piece of news. @param {ReadonlyMap<unknown, {updated_at: number}>} items */
function newest(items) {
  return [...items.values()].reduce((latest, { updated_at: at }) => Math.max(latest, at), 0);
}

/** @param {{filtered: boolean}} props */
function NoReleases({ filtered }) {
  const { session } = useApp();
  if (filtered) return html`<${Empty} title="No release is in this state"><p><a href=${href("releases")}>Show every state</a></p><//>`;
  return html`<${Empty} title="No release yet">
    <p>A release brings firmware to a part of the fleet in waves, each of which begins when the one before has proved itself.</p>
    ${session.can("updates:write") ? html`<p><a href=${NEW_RELEASE_HREF}>Draw one up, step by step</a>. Nothing is updated before you start it.</p>` : html`<p>Somebody who may update devices draws one up.</p>`}
  <//>`;
}

/** @param {{releases: import("./states.js").Release[]}} props */
function ReleaseTable({ releases }) {
  return html`<div class="panel">
    <table class="rollouts" role="table">
      <caption class="hidden">Releases, the newest first</caption>
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">Release</th>
          <th scope="col" role="columnheader">State</th>
          <th scope="col" role="columnheader">Waves</th>
          <th scope="col" role="columnheader">Devices</th>
          <th scope="col" role="columnheader" class="when">Changed</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${releases.map((release) => html`<${ReleaseRow} key=${release.id} release=${release} />`)}
      </tbody>
    </table>
  </div>`;
}

/** @param {{release: import("./states.js").Release}} props */
function ReleaseRow({ release }) {
  const passed = release.waves.filter((wave) => wave.passed_at !== null).length;
  const at = Date.parse(release.updated_at);
  return html`<tr role="row" data-release=${release.slug} data-state=${release.state}>
    <th scope="row" role="rowheader">
      <a href=${releaseHref(release.slug)}>${release.name}</a>
      <span class="uid">${release.slug}</span>
    </th>
    <td role="cell" class="is"><${StateBadge} state=${release.state} />${release.detail && html`<small>${release.detail}</small>`}</td>
    <td role="cell" class="waves">${passed} of ${release.waves.length} passed</td>
    <td role="cell" class="far"><${ProgressCell} progress=${release.progress} /></td>
    <td role="cell" class="when"><time datetime=${release.updated_at} title=${moment(at)}>${ago(at, now.value)}</time></td>
  </tr>`;
}
