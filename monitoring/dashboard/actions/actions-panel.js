/** What one device is asked to do: a new action, those under way with their progress, and what came of the earlier ones. */

import { html, useEffect, useMemo, useRef } from "../view.js";
import { useAgain } from "../again.js";
import { createListing } from "../listing.js";
import { createOnce } from "../once.js";
import { useApp } from "../shell/context.js";
import { useAttempt } from "../shell/dialog.js";
import { Empty, Failure, Waiting } from "../shell/states.js";
import { ActionFields, useOrder } from "./action-form.js";
import { ActionLine } from "./action-line.js";
import { broughtUp, isOpen } from "./states.js";

const PAGE = 25;
/** How often actions under way are asked after: the live side tells of their progress, but not of their results. */
const LOOK_AGAIN_MS = 4_000;

/** @param {{uid: string}} props */
export function ActionsPanel({ uid }) {
  const { session } = useApp();
  const { list, actions } = useActions(uid);
  const ready = list.phase.value === "ready";
  const failure = list.error.value;
  return html`<div class=${session.can("devices:write") ? "beside" : ""}>
    <section aria-label="Actions">
      ${!ready && failure && html`<${Failure} title="The actions could not be read" error=${failure} retry=${list.load} />`}
      ${!ready && !failure && html`<${Waiting}>Reading the actions<//>`}
      ${ready && actions.length === 0 && html`<${Empty} title="Nothing was asked of this device yet"><p>${session.can("devices:write") ? "Ask it for something here" : "Somebody who may change devices can ask it for something"}; what comes of it is shown in this place.</p><//>`}
      ${actions.length > 0 && html`<ul class="panel action-list">${actions.map((action) => html`<${ActionLine} key=${action.action_id} action=${action} changed=${list.load} />`)}</ul>`}
      ${list.next.value && html`<p class="more"><button type="button" class="secondary small" disabled=${list.reading.value} onClick=${list.more}>Show earlier actions</button></p>`}
    </section>
    ${session.can("devices:write") && html`<${AskForAction} uid=${uid} asked=${list.load} />`}
  </div>`;
}

/** @param {string} uid */
function useActions(uid) {
  const { api, feed } = useApp();
  const list = useMemo(() => {
    /** @type {import("../listing.js").Listing<import("./states.js").Action>} */
    const listing = createListing(api, "/actions", { query: { device_uid: uid }, page: PAGE });
    return listing;
  }, [uid]);
  const heard = feed.actions.items.value;
  const actions = broughtUp(list.items.value, heard);
  const listed = new Set(actions.map(({ action_id: id }) => id));
  // What somebody else asked for, and an end with its result, are read; progress in between is heard.
  const news = [...heard.values()].filter(({ device_uid: of }) => of === uid).map(({ action_id: id, state }) => (listed.has(id) && isOpen(state) ? "" : `${id} ${state}`)).join();
  useEffect(() => void list.load(), [list, news]);

  const underWay = actions.some(({ state }) => isOpen(state));
  useAgain(list.load, LOOK_AGAIN_MS, underWay);
  return { list, actions };
}

/** @param {{uid: string, asked: () => void}} props */
function AskForAction({ uid, asked }) {
  const { api } = useApp();
  const fields = useOrder();
  const once = useRef(createOnce());
  const { busy, error, attempt } = useAttempt(async () => {
    const body = { device_uid: uid, ...fields.order() };
    await api.post("/actions", body, { once: once.current(body) });
    once.current = createOnce();
    asked();
  });
  return html`<section class="panel upload" aria-labelledby="ask">
    <h2 id="ask">Ask for an action</h2>
    <form onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), attempt())}>
      <${ActionFields} fields=${fields} />
      <div role="alert">${error && html`<p class="notice alarm">${error.message}</p>`}</div>
      <button type="submit" aria-busy=${busy} disabled=${busy}>Ask for it</button>
    </form>
  </section>`;
}
