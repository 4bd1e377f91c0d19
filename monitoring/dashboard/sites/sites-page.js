/** The organization's sites: places with a broker of their own, and how the link to each is. */

import { html, useEffect, useMemo, useSignal } from "../view.js";
import { createListing } from "../listing.js";
import { useApp } from "../shell/context.js";
import { Heading } from "../shell/heading.js";
import { Empty, Failure, Waiting } from "../shell/states.js";
import { SiteForm } from "./site-form.js";
import { SiteTable } from "./site-table.js";

/** Links change by themselves, and nothing tells of it live. */
const ASK_AGAIN_MS = 4_000;

export function SitesPage() {
  const { api, session } = useApp();
  const creating = useSignal(false);
  const list = useMemo(() => {
    /** @type {import("../listing.js").Listing<import("./states.js").Site>} */
    const listing = createListing(api, "/sites", { page: 500, whole: true });
    return listing;
  }, [api]);
  useEffect(() => {
    const look = () => document.hidden || list.load();
    look();
    const timer = setInterval(look, ASK_AGAIN_MS);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [list]);

  const ready = list.phase.value === "ready";
  const failure = list.error.value;
  const sites = list.items.value;
  const may = session.can("devices:write");
  return html`
    <div class="page-head">
      <${Heading} title="Sites" />
      ${may && html`<div class="controls"><button type="button" onClick=${() => (creating.value = true)}>New site</button></div>`}
    </div>
    ${!ready && failure && html`<${Failure} title="The sites could not be read" error=${failure} retry=${list.load} />`}
    ${!ready && !failure && html`<${Waiting}>Reading the sites<//>`}
    ${ready && failure && html`<p class="notice alarm" role="alert">${failure.message} <button type="button" class="link" onClick=${list.load}>Try again</button></p>`}
    ${ready &&
    sites.length === 0 &&
    html`<${Empty} title="No site yet">
      <p>A site is a place with an MQTT broker of its own. The platform keeps a link to it and carries its devices' telemetry in, without a change to them.</p>
      ${may ? html`<button type="button" onClick=${() => (creating.value = true)}>Create a site</button>` : html`<p>Somebody who may change devices creates one.</p>`}
    <//>`}
    ${sites.length > 0 && html`<${SiteTable} sites=${sites} changed=${list.load} />`}
    ${creating.value && html`<${SiteForm} site=${null} changed=${list.load} close=${() => (creating.value = false)} />`}
  `;
}
