/** The fleet: every device, searched and filtered by the platform, and what is done to many of them at once. */

import { html, useEffect, useMemo, useRef, useSignal, useSignalEffect } from "../view.js";
import { createListing } from "../listing.js";
import { paced } from "../live/paced.js";
import { useWholeFleet } from "../live/whole-fleet.js";
import { useApp } from "../shell/context.js";
import { Heading } from "../shell/heading.js";
import { href } from "../shell/router.js";
import { Empty, Failure, Waiting } from "../shell/states.js";
import { isOpen } from "../updates/states.js";
import { BulkBar } from "./bulk-bar.js";
import { DeviceTable } from "./device-table.js";
import { addressOf, filtersOf, MOST_NAMED, PRESENCES, rqlOf } from "./filters.js";
import { FirstDevice } from "./first-device.js";
import { QueryProblem } from "./query-problem.js";
import { everyone } from "./target.js";
import { Toolbar } from "./toolbar.js";

/** Devices that are new to the live side are looked up together. */
const STRANGERS_MS = 1_500;
/** What a filter finds changes without a word of it: it is read again. */
const LOOK_AGAIN_MS = 15_000;
/** While a release goes on, who is being updated changes many times a second: it is looked at no more often than this. */
const UPDATING_MS = 5_000;

/** @param {{query: Record<string, string>}} props */
export function FleetPage({ query }) {
  useWholeFleet();
  const filters = filtersOf(query);
  const { list, rql, updating } = useDevices(filters);
  const { value: devices } = list.items;
  const ready = list.phase.value === "ready";
  const failure = list.error.value;
  const everything = !rql && !filters.group;

  return html`
    <${Heading} title="Fleet" />
    ${ready && everything && devices.length === 0
      ? html`<${FirstDevice} load=${list.load} />`
      : html`<${Toolbar} filters=${filters} />
          <${QueryProblem} filters=${filters} rql=${rql} error=${failure} />
          ${!ready && failure && failure.code !== "bad_query" && html`<${Failure} title="The devices could not be read" error=${failure} retry=${list.load} />`}
          ${!ready && !failure && html`<${Waiting}>Reading the devices<//>`}
          ${updating > MOST_NAMED && html`<p class="notice" role="status">${updating} devices are being updated. ${MOST_NAMED} of them are looked among.</p>`}
          ${ready && html`<${Roll} key=${JSON.stringify(filters)} list=${list} filters=${filters} rql=${rql} />`}`}
  `;
}

/** The devices that the filters find, kept up to date while the page is open. @param {import("./filters.js").Filters} filters */
function useDevices(filters) {
  const { api, feed, names } = useApp();
  const updating = useUpdating(filters.show === "updating");
  const rql = rqlOf(filters, updating);
  const list = useMemo(() => {
    /** @type {import("../listing.js").Listing<import("./inventory.js").Device>} */
    const listing = createListing(api, "/devices", { query: { ...(rql && { rql }), ...(filters.group && { group: filters.group }) } });
    return listing;
  }, [rql, filters.group]);

  useEffect(() => {
    list.load();
    const timer = setInterval(() => {
      if (!document.hidden && list.phase.peek() === "ready") list.load();
    }, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [list]);

  useEffect(() => names.take(list.items.value), [list.items.value]);

  const known = feed.known.value;
  useEffect(() => {
    const listed = new Set(list.items.peek().map((device) => device.device_uid));
    if (rql || filters.group || list.phase.peek() !== "ready" || list.next.peek() || feed.uids().every((uid) => listed.has(uid))) return;
    const timer = setTimeout(list.load, STRANGERS_MS);
    return () => clearTimeout(timer);
  }, [known]);

  // Who is being updated changes the query by itself: the answer before stands until the next one is there.
  const asked = JSON.stringify(addressOf(filters));
  const standing = useRef({ list, rql, asked });
  if (standing.current.asked !== asked || list.phase.value === "ready" || list.error.value) standing.current = { list, rql, asked };
  return { list: standing.current.list, rql: standing.current.rql, updating: updating.length };
}

/** The devices that are being updated, if they are `wanted`. @param {boolean} wanted @returns {string[]} */
function useUpdating(wanted) {
  const { feed } = useApp();
  const looks = useSignal(0);
  const look = useMemo(() => paced(() => (looks.value += 1), UPDATING_MS), []);
  const count = wanted ? feed.updating.value : 0;
  useEffect(() => look(), [wanted, count]);
  useEffect(() => look.stop, []);
  return useMemo(() => (wanted ? feed.uids().filter((uid) => isOpen(feed.device(uid).update.peek()?.state)).sort() : []), [wanted, looks.value]);
}

/**
 * What was found, and what is chosen of it.
 * @param {{list: import("../listing.js").Listing<import("./inventory.js").Device>, filters: import("./filters.js").Filters, rql: string | undefined}} props
 */
function Roll({ list, filters, rql }) {
  const { feed, session } = useApp();
  const chosen = useSignal(/** @type {ReadonlySet<string>} */ (new Set()));
  const widened = useSignal(false);
  // The platform's word on who is there is a moment old; the live side has the last one.
  const shown = list.items.value.filter(({ device_uid: uid }) => {
    if (!Object.hasOwn(PRESENCES, filters.show)) return true;
    const presence = feed.device(uid).presence.value;
    return presence === null || presence.online === PRESENCES[filters.show];
  });
  const more = list.next.value !== null;
  const all = everyone(rql, filters.group);
  const target = widened.value && all ? all : { device_uids: [...chosen.value] };
  const widen = !widened.value && all && more && chosen.value.size >= shown.length ? () => (widened.value = true) : null;

  function clear() {
    chosen.value = new Set();
    widened.value = false;
  }
  useSignalEffect(() => {
    if (chosen.value.size < list.items.peek().length) widened.value = false;
  });

  return html`<section aria-label="Devices">
    ${chosen.value.size > 0 &&
    html`<${BulkBar} words=${widened.value ? "All that match are chosen" : `${chosen.value.size} chosen`} target=${target} widen=${widen} clear=${clear} />`}
    ${shown.length > 0
      ? html`<${DeviceTable} devices=${shown} chosen=${session.can("devices:write") ? chosen : null} />`
      : html`<${Empty} title="No device answers to this"><p>Try other words, or <a href=${href("fleet")}>show the whole fleet</a>.</p><//>`}
    ${list.error.value && html`<p class="notice alarm" role="alert">${list.error.value.message} <button type="button" class="link" onClick=${list.load}>Try again</button></p>`}
    <p class="more">
      <span role="status">${more ? `The first ${shown.length} are shown.` : shown.length === 1 ? "One device." : `${shown.length} devices.`}</span>
      ${more &&
      html`<button type="button" class="secondary small" disabled=${list.reading.value} onClick=${list.more}>${list.reading.value ? "Loading" : "Load more devices"}</button>`}
    </p>
  </section>`;
}
