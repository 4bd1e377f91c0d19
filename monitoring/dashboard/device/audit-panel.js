/** Who changed what about a device, and when: its audit log, the newest first. */

import { html, useEffect, useMemo } from "../view.js";
import { createListing } from "../listing.js";
import { useApp } from "../shell/context.js";
import { ago, moment } from "../shell/format.js";
import { now } from "../shell/now.js";
import { Empty, Failure, Waiting } from "../shell/states.js";
import { changes } from "./changes.js";

const PAGE = 50;

/** @param {{uid: string}} props */
export function AuditPanel({ uid }) {
  const { api } = useApp();
  const list = useMemo(() => {
    /** @type {import("../listing.js").Listing<import("./changes.js").Entry>} */
    const listing = createListing(api, `/devices/${encodeURIComponent(uid)}/audit`, { page: PAGE });
    return listing;
  }, [uid]);
  useEffect(() => void list.load(), [list]);
  const ready = list.phase.value === "ready";
  const failure = list.error.value;
  if (!ready && failure) return html`<${Failure} title="The log could not be read" error=${failure} retry=${list.load} />`;
  if (!ready) return html`<${Waiting}>Reading the log<//>`;
  if (list.items.value.length === 0) return html`<${Empty} title="Nothing has been changed yet"><p>Every change of this device is written down here.</p><//>`;
  return html`<section aria-label="Audit log">
    <ol class="panel audit">${list.items.value.map((entry) => html`<${AuditLine} key=${entry.id} entry=${entry} />`)}</ol>
    ${list.next.value && html`<p class="more"><button type="button" class="secondary small" disabled=${list.reading.value} onClick=${list.more}>Show what was before</button></p>`}
  </section>`;
}

/** @param {{entry: import("./changes.js").Entry}} props */
function AuditLine({ entry: { action, actor, before, after, at } }) {
  return html`<li data-audit=${action}>
    <time datetime=${at} title=${moment(at)}>${ago(Date.parse(at), now.value)}</time>
    <strong>${action.replaceAll(/[_.]/g, " ")}</strong>
    <span class="by">${actor.name ?? (actor.id === null ? actor.kind : `${actor.kind.replace("_", " ")} ${actor.id}`)}</span>
    <ul>${changes(before, after).map(({ name, from, to }) => html`<li key=${name}>${name} ${from !== "" && html`<del>${from}</del> `}${to !== "" && html`<ins>${to}</ins>`}</li>`)}</ul>
  </li>`;
}
