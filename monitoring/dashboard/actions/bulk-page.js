/** What became of an action that many devices were asked for: the counts, and each device's outcome. */

import { html, useEffect, useMemo, useSignal } from "../view.js";
import { DeviceLink } from "../fleet/device-link.js";
import { createListing } from "../listing.js";
import { useWholeFleet } from "../live/whole-fleet.js";
import { useApp } from "../shell/context.js";
import { moment } from "../shell/format.js";
import { Heading } from "../shell/heading.js";
import { Icon } from "../shell/icons.js";
import { href } from "../shell/router.js";
import { Empty, Failure, Waiting } from "../shell/states.js";
import { Tally } from "../shell/tally.js";
import { ActionLine } from "./action-line.js";
import { broughtUp, nameOf } from "./states.js";

const LOOK_AGAIN_MS = 3_000;

/** @param {{parts: string[]}} props */
export function BulkPage({ parts: [id = ""] }) {
  useWholeFleet();
  const { bulk, error, list, read } = useBulk(id);
  const heard = useApp().feed.actions.items.value;
  if (!bulk && error?.status === 404) return html`<${Heading} title="Action" /><${Empty} title="No such action"><p>It may be long gone. <a href=${href("fleet")}>Go to the fleet</a></p><//>`;
  if (!bulk && error) return html`<${Heading} title="Action" /><${Failure} title="The action could not be read" error=${error} retry=${read} />`;
  if (!bulk) return html`<${Heading} title="Action" /><${Waiting}>Reading the action<//>`;
  const actions = broughtUp(list.items.value, heard);
  const failure = error ?? list.error.value;
  return html`
    <p class="way"><a href=${href("fleet")}><${Icon} name="back" />Fleet</a></p>
    <${Heading} title=${`${nameOf(bulk.type)}: ${bulk.total} ${bulk.total === 1 ? "device" : "devices"}`} />
    <p class="lead">Asked for on <time datetime=${bulk.requested_at}>${moment(bulk.requested_at)}</time>${bulk.target.rql && html`, of <code>${bulk.target.rql}</code>`}</p>
    ${failure && html`<p class="notice alarm" role="alert">${failure.message} What you see may be old. <button type="button" class="link" onClick=${read}>Try again</button></p>`}
    <${Tally} counts=${bulk.counts} total=${bulk.total} />
    ${bulk.skipped.length > 0 &&
    html`<details class="panel skipped"><summary>${bulk.skipped.length} left out</summary>
      <ul>${bulk.skipped.map((/** @type {{device_uid: string, reason: string}} */ { device_uid: uid, reason }) => html`<li key=${uid}><${DeviceLink} uid=${uid} /><span>${reason.replaceAll("_", " ")}</span></li>`)}</ul>
    </details>`}
    <ul class="panel action-list" aria-label="Outcome of each device">
      ${actions.map((action) => html`<${ActionLine} key=${action.action_id} action=${action} named changed=${read} />`)}
    </ul>
    ${list.next.value && html`<p class="more"><button type="button" class="secondary small" disabled=${list.reading.value} onClick=${list.more}>Show more devices</button></p>`}
  `;
}

/** The call with its counts, and its actions; both are read again while some are open. @param {string} id */
function useBulk(id) {
  const { api } = useApp();
  const bulk = useSignal(/** @type {any} */ (null));
  const error = useSignal(/** @type {(Error & {status?: number}) | null} */ (null));
  const list = useMemo(() => {
    /** @type {import("../listing.js").Listing<import("./states.js").Action>} */
    const listing = createListing(api, "/actions", { query: { bulk: id } });
    return listing;
  }, [id]);

  async function read() {
    try {
      const [found] = await Promise.all([api.get(`/actions/bulk/${encodeURIComponent(id)}`), list.load()]);
      bulk.value = found;
      error.value = null;
    } catch (failure) {
      error.value = /** @type {Error} */ (failure);
    }
  }
  useEffect(() => {
    read();
    const timer = setInterval(() => {
      const { pending = 0, running = 0 } = bulk.peek()?.counts ?? {};
      if (!document.hidden && bulk.peek() && pending + running > 0) read();
    }, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [id]);
  return { bulk: bulk.value, error: error.value, list, read };
}
