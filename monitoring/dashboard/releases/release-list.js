/** The organization's releases, the newest first, with how far each is. */

import { html } from "../view.js";
import { useKept } from "../live/kept.js";
import { useNews } from "../live/news.js";
import { useApp } from "../shell/context.js";
import { href } from "../shell/router.js";
import { Empty } from "../shell/states.js";
import { NEW_RELEASE_HREF, releaseHref } from "./address.js";
import { ProgressCell } from "./progress-bar.js";
import { Changed, RolloutList, RolloutTable, useRollouts } from "./rollout-list.js";
import { StateBadge } from "./state-badge.js";
import { goesOn, STATES } from "./states.js";

/** @typedef {import("./states.js").Release} Release */

/** @param {{query: Record<string, string>}} props */
export function ReleaseList({ query }) {
  const { feed, session } = useApp();
  const state = STATES.find((each) => each === query.state);
  const list = /** @type {import("../listing.js").Listing<Release>} */ (useRollouts("/releases", state));
  useNews(["releases", "batches"]);
  const releases = list.items.value;
  useKept(list.load, `${feed.releases.items.value.size} ${newest(feed.releases.items.value)} ${newest(feed.batches.items.value)}`, releases.some((release) => goesOn(release.state)));

  const act = session.can("updates:write") && html`<a class="act" href=${NEW_RELEASE_HREF}>New release</a>`;
  const empty = html`<${NoReleases} filtered=${state !== undefined} />`;
  return html`<${RolloutList} here="releases" list=${list} states=${STATES} state=${state} act=${act} empty=${empty}>
    <${RolloutTable} caption="Releases, the newest first" columns=${["Release", "State", "Waves", "Devices"]}>
      ${releases.map((release) => html`<${ReleaseRow} key=${release.id} release=${release} />`)}
    <//>
  <//>`;
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

/** @param {{release: Release}} props */
function ReleaseRow({ release }) {
  const passed = release.waves.filter((wave) => wave.passed_at !== null).length;
  return html`<tr role="row" data-release=${release.slug} data-state=${release.state}>
    <th scope="row" role="rowheader">
      <a href=${releaseHref(release.slug)}>${release.name}</a>
      <span class="uid">${release.slug}</span>
    </th>
    <td role="cell" class="is"><${StateBadge} state=${release.state} />${release.detail && html`<small>${release.detail}</small>`}</td>
    <td role="cell" class="waves">${passed} of ${release.waves.length} passed</td>
    <td role="cell" class="far"><${ProgressCell} progress=${release.progress} /></td>
    <${Changed} at=${release.updated_at} />
  </tr>`;
}
