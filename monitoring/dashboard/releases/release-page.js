/** One release: how far it is, what may be done with it, its tree, and why a device was not updated. */

import { html, useCallback, useEffect, useMemo, useSignal } from "../view.js";
import { createResource } from "../resource.js";
import { BatchDevices } from "../batches/batch-devices.js";
import { useKept } from "../live/kept.js";
import { useNews } from "../live/news.js";
import { asSentence } from "../problem.js";
import { ApiError } from "../rest.js";
import { useApp } from "../shell/context.js";
import { Dialog } from "../shell/dialog.js";
import { Heading } from "../shell/heading.js";
import { Empty, Failure, Waiting } from "../shell/states.js";
import { RELEASES_HREF } from "./address.js";
import { Controls } from "./controls.js";
import { Gate } from "./gate-line.js";
import { History } from "./history.js";
import { ProgressCell } from "./progress-bar.js";
import { Rules } from "./rules.js";
import { StateBadge } from "./state-badge.js";
import { goesOn } from "./states.js";
import { Tree } from "./tree.js";
import { Why } from "./why.js";

/**
 * @typedef {import("./states.js").Release & {document: Record<string, any>, changes: import("./history.js").Change[]}} Detail
 *     as `GET /releases/{id}` answers
 */

/** @param {{name: string, why: string | null}} props `name` is a slug or an id; `why` the uid of a device that is asked after */
export function ReleasePage({ name, why }) {
  const { api, feed } = useApp();
  const resource = useMemo(() => createResource(() => readWhole(api, name)), [api, name]);
  useNews(["releases", "batches"]);
  const found = resource.value.value;
  const ref = [...feed.releases.items.value.values()].find(({ slug }) => slug === found?.release.slug);
  const batches = [...feed.batches.items.value.values()].filter(({ release_ref: of }) => ref !== undefined && of === `release:${ref.release_id}`);
  const heard = [ref?.version, ...batches.map(({ batch_id: id, version }) => `${id}:${version}`)].join(" ");
  useKept(resource.load, heard, !found || goesOn(found.release.state) || found.release.progress.in_progress > 0);

  const failure = resource.error.value;
  if (!found && failure instanceof ApiError && failure.status === 404) {
    return html`<${Heading} title="No such release" /><${Empty} title="There is no release of that name"><p><a href=${RELEASES_HREF}>See all releases</a></p><//>`;
  }
  if (!found && failure) return html`<${Heading} title="Release" /><${Failure} title="The release could not be read" error=${failure} retry=${resource.load} />`;
  if (!found) return html`<${Heading} title="Release" /><${Waiting}>Reading the release<//>`;
  return html`<${Loaded} ...${found} why=${why} failure=${failure} load=${resource.load} />`;
}

/** @param {import("../rest.js").Api} api @param {string} name */
async function readWhole(api, name) {
  const path = `/releases/${encodeURIComponent(name)}`;
  const [release, tree] = await Promise.all([api.get(path), api.get(`${path}/hierarchy`)]);
  return { release: /** @type {Detail} */ (release), tree: /** @type {import("./tree-rows.js").Node} */ (tree) };
}

/**
 * @param {object} props
 * @param {Detail} props.release
 * @param {import("./tree-rows.js").Node} props.tree
 * @param {string | null} props.why
 * @param {Error | null} props.failure of the newest reading
 * @param {() => Promise<void>} props.load
 */
function Loaded({ release, tree, why, failure, load }) {
  const shown = useSignal(/** @type {import("./tree-rows.js").Node | null} */ (null));
  useEffect(() => {
    shown.value = null;
  }, [why]);
  const gate = useCallback(
    (/** @type {import("./tree-rows.js").Node} */ node) => {
      const place = release.waves.findIndex(({ id }) => id === node.id);
      return place >= 0 && html`<${Gate} wave=${release.waves[place]} document=${release.document} place=${place} />`;
    },
    [release],
  );

  return html`
    <p class="trail"><a href=${RELEASES_HREF}>Releases</a></p>
    <div class="page-head">
      <${Heading} title=${release.name} />
      <${StateBadge} state=${release.state} />
      <${Controls} release=${release} changed=${load} />
    </div>
    ${failure && html`<p class="notice alarm" role="alert">${failure.message} What you see may be old.</p>`}
    ${release.detail && html`<p class=${`notice ${release.state === "paused" || release.state === "failed" ? "alarm" : ""}`} role="status">${asSentence(release.detail)}</p>`}
    ${release.description && html`<p class="described">${release.description}</p>`}
    <section class="panel overall" aria-label="Progress" data-release=${release.slug} data-state=${release.state} data-version=${release.version}>
      <${ProgressCell} progress=${release.progress} />
      ${release.rollback && html`<p class="way-back">The way back</p><${ProgressCell} progress=${release.rollback} words=${{ succeeded: "taken back" }} />`}
    </section>
    <section aria-labelledby="tree-title">
      <h2 id="tree-title">Waves</h2>
      <${Tree} release=${tree} gate=${gate} show=${(/** @type {any} */ node) => (shown.value = node)} />
    </section>
    <div class="release-more">
      <${Why} release=${release} uid=${why} />
      <${Rules} release=${release} />
      <${History} changes=${release.changes} waves=${release.waves} />
    </div>
    ${shown.value &&
    html`<${Dialog} title=${`Devices of ${shown.value.name}`} close=${() => (shown.value = null)}>
      <${BatchDevices} id=${shown.value.batch_id} release=${release.slug} />
      <div class="answers"><button type="button" class="secondary" onClick=${() => (shown.value = null)}>Close</button></div>
    <//>`}
  `;
}
