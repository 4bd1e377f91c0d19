/** The releases that are under way or stand still, each with how far its devices are. */

import { html, useEffect, useSignal } from "../view.js";
import { useApp } from "../shell/context.js";
import { href } from "../shell/router.js";
import { OverviewPanel } from "./overview-panel.js";

/** News of a release come many a second; its figures are read again no more often than this. */
const PAUSE_MS = 2_000;
/** And this often all the same: without the live connection nobody tells. */
const LOOK_AGAIN_MS = 20_000;

/** @typedef {{devices: number, succeeded: number, failed: number, in_progress: number, percent: number}} Progress */
/** @typedef {{id: string, slug: string, name: string, state: string, detail: string | null, progress: Progress}} Release */

export function RunningReleases() {
  const { releases, error } = useRunningReleases();
  return html`<${OverviewPanel} name="releases" title="Releases in progress" count=${releases.length} all=${href("releases")} empty=${error?.message ?? "No release is under way."}>
    ${releases.map(
      ({ id, slug, name, state, detail, progress }) => html`<li key=${id} data-release=${slug}>
        <span class="what"><a href=${href("releases", [slug])}>${name}</a></span>
        <span class=${`state-word ${state}`}>${state}</span>
        <progress max="100" value=${progress.percent} aria-label=${`${name}: devices that are through`}></progress>
        <span class="counts">${progress.succeeded} of ${progress.devices} done${progress.failed > 0 ? html`, <strong class="unwell">${progress.failed} failed</strong>` : ""}</span>
        ${detail && html`<span class="detail">${detail}</span>`}
      </li>`,
    )}
  <//>`;
}

/** Read when the page opens, and again after news of releases and batches. */
function useRunningReleases() {
  const { api, feed } = useApp();
  const releases = useSignal(/** @type {Release[]} */ ([]));
  const error = useSignal(/** @type {Error | null} */ (null));
  const turn = useSignal(0);
  const news = [feed.releases.items.value, feed.batches.items.value];

  useEffect(() => {
    const timer = setTimeout(() => (turn.value += 1), PAUSE_MS);
    return () => clearTimeout(timer);
  }, news);

  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) turn.value += 1;
    }, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, []);

  useEffect(() => {
    const abort = new AbortController();
    Promise.all(["running", "paused"].map((state) => api.get("/releases", { state, limit: 20 }, abort.signal))).then(
      (pages) => {
        error.value = null;
        releases.value = pages.flatMap(({ items }) => items);
      },
      (failure) => {
        if (!abort.signal.aborted) error.value = failure;
      },
    );
    return () => abort.abort();
  }, [turn.value]);

  return { releases: releases.value, error: error.value };
}
