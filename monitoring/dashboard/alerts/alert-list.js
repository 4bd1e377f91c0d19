/** The organization's alerts, those that are open unless other ones are asked for. */

import { html, useMemo } from "../view.js";
import { createListing } from "../listing.js";
import { useKept } from "../live/kept.js";
import { useNews } from "../live/news.js";
import { useApp } from "../shell/context.js";
import { Heading } from "../shell/heading.js";
import { replace } from "../shell/router.js";
import { Empty, Failure, Waiting } from "../shell/states.js";
import { alertsHref, RULES_HREF } from "./address.js";
import { AlertTable } from "./alert-table.js";
import { Sections } from "./sections.js";
import { SEVERITIES } from "./words.js";

const PAGE = 100;

/**
 * What the address asks for, as `GET /alerts` takes it.
 * @param {Record<string, string>} query
 */
export function asked({ state = "active", severity, acknowledged, rule, device }) {
  return Object.fromEntries(Object.entries({ state: state === "all" ? "" : state, severity, acknowledged, rule, device_uid: device }).filter(([, value]) => value));
}

/** @param {{query: Record<string, string>}} props */
export function AlertList({ query }) {
  const { api, feed } = useApp();
  const wanted = asked(query);
  const list = useMemo(() => {
    /** @type {import("../listing.js").Listing<import("./words.js").Alert>} */
    const listing = createListing(api, "/alerts", { query: wanted, page: PAGE });
    return listing;
  }, [api, JSON.stringify(wanted)]);
  useNews(["alerts", "presence"]);
  useKept(list.load, feed.alerts.items.value);

  const ready = list.phase.value === "ready";
  const failure = list.error.value;
  const alerts = list.items.value;
  return html`
    <${Heading} title="Alerts" />
    <div class="toolbar">
      <${Sections} here="alerts" />
      <${Filter} query=${query} name="state" label="State" options=${[["", "Open"], ["cleared", "Cleared"], ["all", "Open and cleared"]]} />
      <${Filter} query=${query} name="severity" label="Severity" options=${[["", "Every severity"], ...SEVERITIES.map((each) => [each, each])]} />
      <${Filter} query=${query} name="acknowledged" label="Acknowledged" options=${[["", "Acknowledged or not"], ["false", "Not acknowledged"], ["true", "Acknowledged"]]} />
      ${(query.rule || query.device) && html`<a class="narrowed" href=${alertsHref({ ...query, rule: null, device: null })}>Of every rule and device</a>`}
    </div>
    ${!ready && failure && html`<${Failure} title="The alerts could not be read" error=${failure} retry=${list.load} />`}
    ${!ready && !failure && html`<${Waiting}>Reading the alerts<//>`}
    ${ready && failure && html`<p class="notice alarm" role="alert">${failure.message} <button type="button" class="link" onClick=${list.load}>Try again</button></p>`}
    ${ready && alerts.length === 0 && html`<${NoAlerts} narrowed=${Object.keys(wanted).length > 1 || wanted.state !== "active"} />`}
    ${alerts.length > 0 && html`<${AlertTable} alerts=${alerts} changed=${list.load} />`}
    ${list.next.value !== null &&
    html`<p class="more"><button type="button" class="secondary" disabled=${list.reading.value} onClick=${list.more}>Load older alerts</button></p>`}
  `;
}

/** @param {{query: Record<string, string>, name: string, label: string, options: [string, string][]}} props */
function Filter({ query, name, label, options }) {
  return html`<label class="select">
    <span class="hidden">${label}</span>
    <select value=${query[name] ?? ""} onChange=${(/** @type {any} */ event) => replace(alertsHref({ ...query, [name]: event.currentTarget.value }))}>
      ${options.map(([value, words]) => html`<option key=${value} value=${value} selected=${value === (query[name] ?? "")}>${words}</option>`)}
    </select>
  </label>`;
}

/** @param {{narrowed: boolean}} props */
function NoAlerts({ narrowed }) {
  if (narrowed) return html`<${Empty} title="No alert is like this"><p><a href=${alertsHref()}>Show every open alert</a></p><//>`;
  return html`<${Empty} title="Nothing is wrong"><p>No alert is open. What opens one is in <a href=${RULES_HREF}>the rules</a>.</p><//>`;
}
