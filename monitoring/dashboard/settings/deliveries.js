/** The deliveries of one webhook, the newest first: what was sent, what was answered, and a way to send it again. */

import { html, useEffect, useMemo, useSignal } from "../view.js";
import { useAgain } from "../again.js";
import { createListing } from "../listing.js";
import { useApp } from "../shell/context.js";
import { useAttempt } from "../shell/dialog.js";
import { ago, moment } from "../shell/format.js";
import { Icon } from "../shell/icons.js";
import { now } from "../shell/now.js";
import { href } from "../shell/router.js";
import { Empty, Failure, Waiting } from "../shell/states.js";

const LOOK_AGAIN_MS = 5_000;

/** @typedef {{id: number, event_id: string, event_type: string, state: string, attempts: number, next_attempt_at: string | null, created_at: string}} Delivery as `GET /webhooks/{id}/deliveries` answers */

/** @param {{id: string}} props */
export function Deliveries({ id }) {
  const { api } = useApp();
  const path = `/webhooks/${encodeURIComponent(id)}`;
  const list = useMemo(() => {
    /** @type {import("../listing.js").Listing<Delivery>} */
    const listing = createListing(api, `${path}/deliveries`, { page: 50 });
    return listing;
  }, [path]);
  useEffect(() => void list.load(), [list]);
  useAgain(list.load, LOOK_AGAIN_MS);
  const test = useAttempt(async () => {
    await api.post(`${path}/test`);
    await list.load();
  });
  const ready = list.phase.value === "ready";
  const failure = list.error.value;

  return html`<p class="way"><a href=${href("settings", ["webhooks"])}><${Icon} name="back" />Webhooks</a></p>
    <section aria-labelledby="deliveries">
      <div class="section-head">
        <h2 id="deliveries">Deliveries</h2>
        <p class="about">Kept for 30 days.</p>
        <button type="button" class="small" aria-busy=${test.busy} disabled=${test.busy} onClick=${test.attempt}>Send a test</button>
      </div>
      ${test.error && html`<p class="notice alarm" role="alert">${test.error.message}</p>`}
      ${!ready && failure && html`<${Failure} title="The deliveries could not be read" error=${failure} retry=${list.load} />`}
      ${!ready && !failure && html`<${Waiting}>Reading the deliveries<//>`}
      ${ready && list.items.value.length === 0 && html`<${Empty} title="Nothing was sent yet"><p>Send a test, or wait for an event that this webhook asks for.</p><//>`}
      ${list.items.value.length > 0 && html`<ul class="panel action-list">${list.items.value.map((delivery) => html`<${DeliveryLine} key=${delivery.id} path=${`${path}/deliveries/${delivery.id}`} delivery=${delivery} changed=${list.load} />`)}</ul>`}
      ${list.next.value && html`<p class="more"><button type="button" class="secondary small" disabled=${list.reading.value} onClick=${list.more}>Show earlier ones</button></p>`}
    </section>`;
}

/** @param {{path: string, delivery: Delivery, changed: () => void}} props */
function DeliveryLine({ path, delivery, changed }) {
  const { api } = useApp();
  const detail = useSignal(/** @type {any} */ (null));
  const read = useAttempt(async () => {
    detail.value = await api.get(path);
  });
  const replay = useAttempt(async () => {
    await api.post(`${path}/replay`);
    changed();
  });
  const at = Date.parse(delivery.created_at);
  return html`<li data-delivery=${delivery.id} data-state=${delivery.state}>
    <span class=${`outcome ${delivery.state === "delivered" ? "completed" : delivery.state}`}>${delivery.state}</span>
    <span class="what"><code>${delivery.event_type}</code></span>
    <span class="none">${delivery.attempts} ${delivery.attempts === 1 ? "attempt" : "attempts"}</span>
    <time datetime=${delivery.created_at} title=${moment(at)}>${ago(at, now.value)}</time>
    <button type="button" class="link" aria-label=${`Send again: ${delivery.event_type} of ${moment(at)}`} disabled=${replay.busy} onClick=${replay.attempt}>Send again</button>
    ${replay.error && html`<p class="notice alarm" role="alert">${replay.error.message}</p>`}
    <details class="reason" onToggle=${(/** @type {any} */ event) => event.currentTarget.open && read.attempt()}>
      <summary>Attempts</summary>
      ${read.error && html`<p class="notice alarm" role="alert">${read.error.message} <button type="button" class="link" onClick=${read.attempt}>Try again</button></p>`}
      ${!detail.value && !read.error && html`<p class="none" role="status">Reading the attempts</p>`}
      ${detail.value &&
      html`<ol>${detail.value.history.map((/** @type {any} */ attempt) => html`<li><time datetime=${attempt.at}>${moment(attempt.at)}</time> ${attempt.status ?? attempt.error} in ${attempt.duration_ms} ms ${attempt.answer && html`<code>${attempt.answer}</code>`}</li>`)}</ol>
        <pre tabindex="0"><code>${detail.value.body}</code></pre>`}
    </details>
  </li>`;
}
