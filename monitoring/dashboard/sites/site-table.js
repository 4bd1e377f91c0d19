/** The table of sites, with what may be done with each. */

import { html, useSignal } from "../view.js";
import { asSentence } from "../problem.js";
import { useApp } from "../shell/context.js";
import { Confirm } from "../shell/dialog.js";
import { ago, moment } from "../shell/format.js";
import { now } from "../shell/now.js";
import { SiteForm } from "./site-form.js";
import { isUnwell, nextStep } from "./states.js";

/** @typedef {import("./states.js").Site} Site */

/** @param {{sites: Site[], changed: () => Promise<void>}} props */
export function SiteTable({ sites, changed }) {
  const { api } = useApp();
  const asked = useSignal(/** @type {{what: "edit" | "disable" | "remove", site: Site} | null} */ (null));
  const close = () => (asked.value = null);

  /** @param {Site} site @param {boolean} enabled */
  async function enable(site, enabled) {
    await api.patch(`/sites/${site.id}`, { enabled }, site.version);
    await changed();
  }

  /** @param {Site} site */
  async function remove(site) {
    await api.remove(`/sites/${site.id}`, site.version);
    await changed();
  }

  return html`<div class="panel">
    <table class="sites-table" role="table">
      <caption class="hidden">Sites with their links</caption>
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">Site</th>
          <th scope="col" role="columnheader">Broker</th>
          <th scope="col" role="columnheader">Link</th>
          <th scope="col" role="columnheader">Messages</th>
          <th scope="col" role="columnheader"><span class="hidden">What may be done</span></th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${sites.map((site) => html`<${SiteRow} key=${site.id} site=${site} ask=${(/** @type {any} */ what) => (asked.value = { what, site })} enable=${() => enable(site, true)} />`)}
      </tbody>
    </table>
    ${asked.value?.what === "edit" && html`<${SiteForm} site=${asked.value.site} changed=${changed} close=${close} />`}
    ${asked.value?.what === "disable" &&
    html`<${Confirm} title=${`Disable ${asked.value.site.name}?`} action="Disable" instead="Keep it" run=${() => enable(/** @type {Site} */ (asked.peek()?.site), false)} close=${close}>
      <p>The link to its broker ends, and what its devices report no longer reaches the platform until it is enabled again.</p>
    <//>`}
    ${asked.value?.what === "remove" &&
    html`<${Confirm} title=${`Remove ${asked.value.site.name}?`} action="Remove" instead="Keep it" grave run=${() => remove(/** @type {Site} */ (asked.peek()?.site))} close=${close}>
      <p>The link to its broker ends, and its password is forgotten. The devices that were heard there stay, without a site.</p>
    <//>`}
  </div>`;
}

/** @param {{site: Site, ask: (what: "edit" | "disable" | "remove") => void, enable: () => Promise<void>}} props */
function SiteRow({ site, ask, enable }) {
  const { session } = useApp();
  const error = useSignal(/** @type {Error | null} */ (null));
  const { link } = site;

  async function enableIt() {
    error.value = null;
    await enable().catch((failure) => {
      error.value = failure;
    });
  }

  return html`<tr role="row" data-site=${site.id} data-link=${link.state}>
    <th scope="row" role="rowheader"><strong>${site.name}</strong>${site.description && html`<small>${site.description}</small>`}</th>
    <td role="cell" class="broker"><code>${site.host}:${site.port}</code><small>${site.tls ? "TLS" : "not encrypted"}${site.username && `, as ${site.username}`}</small></td>
    <td role="cell" class="link-cell"><${Link} link=${link} /></td>
    <td role="cell" class="messages">
      <span class="value">${link.forwarded}</span> carried in
      <small>${[link.unknown > 0 && `${link.unknown} of unknown devices`, link.refused > 0 && `${link.refused} refused`].filter(Boolean).join(", ")}</small>
      ${link.last_message_at && html`<small>last ${ago(Date.parse(link.last_message_at), now.value)}</small>`}
    </td>
    <td role="cell" class="acts">
      ${session.can("devices:write") &&
      html`<button type="button" class="link" aria-label=${`Edit ${site.name}`} onClick=${() => ask("edit")}>Edit</button>
        ${site.enabled
          ? html`<button type="button" class="link" aria-label=${`Disable ${site.name}`} onClick=${() => ask("disable")}>Disable</button>`
          : html`<button type="button" class="link" aria-label=${`Enable ${site.name}`} onClick=${enableIt}>Enable</button>`}
        <button type="button" class="link" aria-label=${`Remove ${site.name}`} onClick=${() => ask("remove")}>Remove</button>`}
      ${error.value && html`<small class="wrong" role="alert">${error.value.message}</small>`}
    </td>
  </tr>`;
}

/** @param {{link: Site["link"]}} props */
function Link({ link }) {
  const since = Date.parse(link.changed_at);
  const next = nextStep(link.state);
  return html`<span class=${`link-state ${link.state === "connected" ? "well" : isUnwell(link.state) ? "unwell" : ""}`}>${link.state}</span>
    <time datetime=${link.changed_at} title=${moment(since)}>${ago(since, now.value)}</time>
    ${link.error && html`<small>${asSentence(link.error)}</small>`} ${next && html`<small class="next">${next}</small>`}`;
}
