/** A new batch: one firmware for many devices, with what it would come to before anything is written. */

import { html, useEffect, useMemo, useSignal } from "../view.js";
import { newestFirst } from "../firmware/library.js";
import { createOnce } from "../once.js";
import { batchHref } from "../releases/address.js";
import { SelectionField } from "../releases/selection-field.js";
import { many } from "../releases/states.js";
import { EVERY_DEVICE, uidsOf } from "../releases/wizard/draft.js";
import { obstaclesInWords } from "../releases/wizard/obstacles.js";
import { useApp } from "../shell/context.js";
import { Dialog, useAttempt } from "../shell/dialog.js";
import { Field, Select } from "../shell/field.js";

/**
 * @typedef {object} Form
 * @property {string} name
 * @property {string} firmware its id
 * @property {import("../releases/selection-field.js").Selection} selection
 * @property {string} concurrency
 *
 * @typedef {{total: number, pending: number, skipped: Record<string, number>}} Preview as `POST /updates/batches?dry_run=true` answers
 */

/**
 * The body as `POST /updates/batches` takes it.
 * @param {Form} form
 */
export function bodyOf({ name, firmware, selection, concurrency }) {
  const { kind, chosen, rql, uids } = selection;
  return {
    name: name.trim(),
    firmware_id: Number(firmware),
    ...(kind === "all" && { rql: EVERY_DEVICE }),
    ...(kind === "group" && { group: Number(chosen) }),
    ...(kind === "rql" && { rql: rql.trim() }),
    ...(kind === "named" && { device_ids: uidsOf(uids) }),
    ...(concurrency.trim() && { concurrency: Number(concurrency) }),
  };
}

/** What is still missing, as a sentence; null when the platform can be asked. @param {Form} form */
export function missing({ firmware, selection, concurrency }) {
  if (firmware === "") return "Choose a firmware.";
  if (selection.kind === "group" && selection.chosen === "") return "Choose a group.";
  if (selection.kind === "rql" && selection.rql.trim() === "") return "Write a query.";
  if (selection.kind === "named" && uidsOf(selection.uids).length === 0) return "Name at least one device by its uid.";
  if (concurrency.trim() !== "" && !/^[1-9]\d*$/.test(concurrency.trim())) return "Devices at once is a whole number.";
  return null;
}

/** @param {{close: () => void}} props */
export function CreateBatch({ close }) {
  const { api, library } = useApp();
  useEffect(() => void library.load(), []);
  const form = useSignal(/** @type {Form} */ ({ name: "", firmware: "", selection: { kind: "all", chosen: "", rql: "", uids: "" }, concurrency: "" }));
  const preview = useSignal(/** @type {Preview | null} */ (null));
  const once = useMemo(createOnce, []);
  const approved = newestFirst(library.items.value).filter(({ state }) => state === "approved");

  /** What was seen of another batch says nothing of this one. @param {Partial<Form>} changed */
  function set(changed) {
    form.value = { ...form.peek(), ...changed };
    preview.value = null;
  }

  const asking = useAttempt(async () => {
    const wrong = missing(form.peek());
    if (wrong) throw new Error(wrong);
    preview.value = await api.post("/updates/batches", bodyOf({ ...form.peek(), name: form.peek().name.trim() || "preview" }), { query: { dry_run: true } });
  });
  const creating = useAttempt(async () => {
    if (form.peek().name.trim() === "") throw new Error("Give the batch a name.");
    const body = bodyOf(form.peek());
    const { id } = await api.post("/updates/batches", body, { once: once(body) });
    close();
    location.hash = batchHref(id);
  });
  const error = creating.error ?? asking.error;

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    (preview.peek() ? creating : asking).attempt();
  }

  const { name, firmware, selection, concurrency } = form.value;
  const options = /** @type {[string, string][]} */ ([["", "Choose a firmware"], ...approved.map((image) => [String(image.id), `${image.name} ${image.version}`])]);
  return html`<${Dialog} title="New batch" close=${close}>
    <form class="create-batch" noValidate onSubmit=${submit}>
      <${Field} label="Name" value=${name} set=${(/** @type {string} */ written) => (form.value = { ...form.peek(), name: written })} maxlength="200" />
      <${Select} label="Firmware" value=${firmware} set=${(/** @type {string} */ id) => set({ firmware: id })} options=${options} />
      <${SelectionField} value=${selection} set=${(/** @type {any} */ changed) => set({ selection: { ...selection, ...changed } })} kinds=${["all", "group", "rql", "named"]} />
      <${Field} label="Devices at once" value=${concurrency} set=${(/** @type {string} */ written) => set({ concurrency: written })} inputmode="numeric" placeholder="any" />
      <div role="status">${preview.value && html`<${Outcome} preview=${preview.value} />`}</div>
      <div role="alert">${error && html`<p class="notice alarm">${error.message}</p>`}</div>
      <div class="answers">
        <button type="button" class="secondary" onClick=${close}>Not now</button>
        <button type="submit" disabled=${asking.busy || creating.busy} aria-busy=${asking.busy || creating.busy}>${preview.value ? `Update ${many(preview.value.pending)}` : "See what it comes to"}</button>
      </div>
    </form>
  <//>`;
}

/** @param {{preview: Preview}} props */
function Outcome({ preview }) {
  return html`<p class="notice ${preview.pending > 0 ? "well" : "alarm"}" data-pending=${preview.pending}>${many(preview.pending)} of ${preview.total} would be updated.</p>
    ${obstaclesInWords(preview.skipped).map(({ words, devices, next }) => html`<p key=${words}><strong>${many(devices)}: ${words}.</strong> ${next}</p>`)}`;
}
