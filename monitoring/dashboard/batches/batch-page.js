/** One batch: how far it is, what may be done with it, and what became of each device. */

import { html, useEffect, useMemo, useSignal } from "../view.js";
import { createResource } from "../resource.js";
import { useKept } from "../live/kept.js";
import { useNews } from "../live/news.js";
import { batchHref, BATCHES_HREF } from "../releases/address.js";
import { ProgressCell } from "../releases/progress-bar.js";
import { windowInWords } from "../releases/rules.js";
import { selectionInWords } from "../releases/selection.js";
import { StateBadge } from "../releases/state-badge.js";
import { many } from "../releases/states.js";
import { ApiError } from "../rest.js";
import { useApp } from "../shell/context.js";
import { Confirm } from "../shell/dialog.js";
import { moment } from "../shell/format.js";
import { Heading } from "../shell/heading.js";
import { Empty, Failure, Waiting } from "../shell/states.js";
import { BatchDevices } from "./batch-devices.js";
import { consequence, goesOn, progressOf, verbs } from "./states.js";

/** @typedef {import("./states.js").Batch & {rolled_back_by: number | null}} Detail as `GET /updates/batches/{id}` answers */

/** @param {{id: string}} props */
export function BatchPage({ id }) {
  const { api, feed } = useApp();
  const resource = useMemo(() => {
    /** @type {import("../resource.js").Resource<Detail>} */
    const found = createResource(() => api.get(`/updates/batches/${encodeURIComponent(id)}`, { limit: 1 }));
    return found;
  }, [api, id]);
  useNews(["batches"]);
  const batch = resource.value.value;
  useKept(resource.load, feed.batches.items.value.get(Number(id))?.version, !batch || goesOn(batch.state));

  const failure = resource.error.value;
  if (!batch && failure instanceof ApiError && (failure.status === 404 || failure.status === 422)) {
    return html`<${Heading} title="No such batch" /><${Empty} title="There is no such batch"><p><a href=${BATCHES_HREF}>See all batches</a></p><//>`;
  }
  if (!batch && failure) return html`<${Heading} title="Batch" /><${Failure} title="The batch could not be read" error=${failure} retry=${resource.load} />`;
  if (!batch) return html`<${Heading} title="Batch" /><${Waiting}>Reading the batch<//>`;
  return html`
    <p class="trail"><a href=${BATCHES_HREF}>Batches</a></p>
    <div class="page-head">
      <${Heading} title=${batch.name} />
      <${StateBadge} state=${batch.state} />
      <${Controls} batch=${batch} changed=${resource.load} />
    </div>
    ${failure && html`<p class="notice alarm" role="alert">${failure.message} What you see may be old.</p>`}
    ${batch.choosing && html`<p class="notice" role="status">Its devices are still being found.</p>`}
    <section class="panel overall" aria-label="Progress" data-batch=${batch.id} data-state=${batch.state}>
      <${ProgressCell} progress=${progressOf(batch)} />
      <${Facts} batch=${batch} />
    </section>
    <section class="panel device-list" aria-labelledby="devices-title">
      <h2 id="devices-title">Devices</h2>
      <${BatchDevices} id=${batch.id} version=${batch.version} />
    </section>
  `;
}

/** @param {{batch: Detail}} props */
function Facts({ batch }) {
  const { library } = useApp();
  useEffect(() => void library.load(), []);
  const images = batch.firmware_ids.map((id) => library.items.value.find((each) => each.id === id)).filter((image) => image !== undefined);
  const firmware = images.map(({ name, version }) => `${name} ${version}`).join(", ") || `firmware ${batch.firmware_ids.join(", ")}`;
  return html`<dl class="batch-facts">
    ${batch.rollback_of === null ? html`<dt>Brings</dt><dd>${firmware}</dd>` : html`<dt>Takes back</dt><dd><a href=${batchHref(batch.rollback_of)}>batch ${batch.rollback_of}</a></dd>`}
    ${batch.rolled_back_by !== null && html`<dt>Taken back by</dt><dd><a href=${batchHref(batch.rolled_back_by)}>batch ${batch.rolled_back_by}</a></dd>`}
    ${selectionInWords(batch.target) && html`<dt>Chosen by</dt><dd>${selectionInWords(batch.target)}</dd>`}
    ${batch.start_at && html`<dt>Start</dt><dd>${moment(batch.start_at)}</dd>`}
    ${batch.concurrency && html`<dt>At once</dt><dd>at most ${many(batch.concurrency)}</dd>`}
    ${batch.window && html`<dt>Window</dt><dd>${windowInWords(batch.window)}</dd>`}
    <dt>Made</dt><dd>${moment(batch.requested_at)}</dd>
    ${batch.ended_at && html`<dt>Ended</dt><dd>${moment(batch.ended_at)}</dd>`}
  </dl>`;
}

/** @param {{batch: Detail, changed: () => Promise<void>}} props */
function Controls({ batch, changed }) {
  const { api, session } = useApp();
  const asked = useSignal(/** @type {import("./states.js").Verb | null} */ (null));
  if (!session.can("updates:write")) return null;

  async function run() {
    const answer = await api.post(`/updates/batches/${batch.id}/${asked.peek()}`);
    if (answer.id !== batch.id) location.hash = batchHref(answer.id);
    else await changed();
  }

  const said = asked.value && consequence(asked.value, batch);
  return html`<div class="controls">
    ${verbs(batch, batch.rolled_back_by).map(
      (verb) => html`<button key=${verb} type="button" class="secondary" onClick=${() => (asked.value = verb)}>${consequence(verb, batch).label}</button>`,
    )}
    ${said &&
    html`<${Confirm} title=${said.title} action=${said.label} instead=${said.instead} grave=${said.grave} run=${run} close=${() => (asked.value = null)}>
      ${said.sentences.map((sentence) => html`<p key=${sentence}>${sentence}</p>`)}
    <//>`}
  </div>`;
}
