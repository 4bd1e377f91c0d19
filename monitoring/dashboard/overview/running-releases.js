/** The releases that are under way or stand still, each with how far its devices are. */

import { html, useMemo } from "../view.js";
import { useKept } from "../live/kept.js";
import { releaseHref } from "../releases/address.js";
import { createResource } from "../resource.js";
import { useApp } from "../shell/context.js";
import { href } from "../shell/router.js";
import { OverviewPanel } from "./overview-panel.js";

/** @typedef {{devices: number, succeeded: number, failed: number, in_progress: number, percent: number}} Progress */
/** @typedef {{id: string, slug: string, name: string, state: string, detail: string | null, progress: Progress}} Release */

export function RunningReleases() {
  const { releases, error } = useRunningReleases();
  return html`<${OverviewPanel} name="releases" title="Releases in progress" count=${releases.length} all=${href("releases")} empty=${error?.message ?? "No release is under way."}>
    ${releases.map(
      ({ id, slug, name, state, detail, progress }) => html`<li key=${id} data-release=${slug}>
        <span class="what"><a href=${releaseHref(slug)}>${name}</a></span>
        <span class=${`state-word ${state}`}>${state}</span>
        <progress max="100" value=${progress.percent} aria-label=${`${name}: devices that are through`}></progress>
        <span class="counts">${progress.succeeded} of ${progress.devices} done${progress.failed > 0 ? html`, <strong class="unwell">${progress.failed} failed</strong>` : ""}</span>
        ${detail && html`<span class="detail">${detail}</span>`}
      </li>`,
    )}
  <//>`;
}

/** Kept as new as the news of releases and of their batches. */
function useRunningReleases() {
  const { api, feed } = useApp();
  const resource = useMemo(() => {
    /** @type {import("../resource.js").Resource<Release[]>} */
    const found = createResource(async () => {
      const pages = await Promise.all(["running", "paused"].map((state) => api.get("/releases", { state, limit: 20 })));
      return pages.flatMap(({ items }) => items);
    });
    return found;
  }, [api]);
  const versions = [feed.releases, feed.batches].flatMap(({ items }) => [...items.value.values()].map(({ version }) => version));
  useKept(resource.load, versions.join());
  return { releases: resource.value.value ?? [], error: resource.error.value };
}
