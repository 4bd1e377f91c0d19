/** Webhooks: where events are sent, whether that works, and what became of each delivery. */

import { html, useMemo, useSignal } from "../view.js";
import { createOnce } from "../once.js";
import { useApp } from "../shell/context.js";
import { Confirm } from "../shell/dialog.js";
import { DataTable } from "../shell/data-table.js";
import { Check, Field } from "../shell/field.js";
import { moment } from "../shell/format.js";
import { href } from "../shell/router.js";
import { EditDialog } from "./edit-dialog.js";
import { Listed, useWhole } from "./listed.js";
import { ShownOnce } from "./shown-once.js";

/** @typedef {{id: number, url: string, event_types: string[], description: string | null, enabled: boolean, disabled_because: string | null, failing_since: string | null, version: number}} Webhook as `GET /webhooks` answers */

export function Webhooks() {
  const { api } = useApp();
  const list = useWhole("/webhooks");
  const editing = useSignal(/** @type {Webhook | "new" | null} */ (null));
  const leaving = useSignal(/** @type {Webhook | null} */ (null));
  const secret = useSignal(/** @type {string | null} */ (null));

  async function remove() {
    await api.remove(`/webhooks/${leaving.peek()?.id}`, leaving.peek()?.version);
    await list.load();
  }

  return html`<${Listed} title="Webhooks" about="Events that are sent to an address of yours, signed." add="New webhook" open=${() => (editing.value = "new")} list=${list} empty="Name an address that shall hear of events.">
      <${DataTable}
        caption="Webhooks"
        items=${list.items.value}
        keyOf=${(/** @type {Webhook} */ { id }) => id}
        columns=${[
          ["Address", (/** @type {Webhook} */ { url, description }) => html`<strong class="url">${url}</strong>${description && html`<small>${description}</small>`}`],
          ["Events", (/** @type {Webhook} */ { event_types: types }) => html`<span class="scopes">${types.map((type) => html`<code key=${type}>${type}</code> `)}</span>`],
          ["State", (/** @type {Webhook} */ webhook) => html`<${State} webhook=${webhook} />`],
        ]}
        acts=${(/** @type {Webhook} */ webhook) => html`<a href=${href("settings", ["webhooks", webhook.id])} aria-label=${`Deliveries to ${webhook.url}`}>Deliveries</a>
          <button type="button" class="link" aria-label=${`Edit ${webhook.url}`} onClick=${() => (editing.value = webhook)}>Edit</button>
          <button type="button" class="link" aria-label=${`Delete ${webhook.url}`} onClick=${() => (leaving.value = webhook)}>Delete</button>`}
      />
    <//>
    ${editing.value &&
    html`<${WebhookForm} webhook=${editing.value === "new" ? null : editing.value} changed=${list.load} made=${(/** @type {string} */ said) => (secret.value = said)} close=${() => (editing.value = null)} />`}
    ${secret.value && html`<${ShownOnce} title="The webhook's secret" secret=${secret.value} close=${() => (secret.value = null)}><p>Your receiver checks with it that an event is Muster's, as Standard Webhooks says.</p><//>`}
    ${leaving.value &&
    html`<${Confirm} title="Delete this webhook?" action="Delete" instead="Keep" grave run=${remove} close=${() => (leaving.value = null)}>
      <p>Nothing is sent to ${leaving.value.url} any more, and what waits is dropped.</p>
    <//>`}`;
}

/** @param {{webhook: Webhook}} props */
function State({ webhook }) {
  if (webhook.disabled_because) return html`<span class="unwell">turned off: ${webhook.disabled_because === "gone" ? "the address is gone" : "nothing was delivered for days"}</span>`;
  if (!webhook.enabled) return html`<span class="none">turned off</span>`;
  if (webhook.failing_since) return html`<span class="unwell">failing since ${moment(webhook.failing_since)}</span>`;
  return html`<span class="well">works</span>`;
}

/** @param {{webhook: Webhook | null, changed: () => Promise<void>, made: (secret: string) => void, close: () => void}} props */
function WebhookForm({ webhook, changed, made, close }) {
  const { api } = useApp();
  const once = useMemo(createOnce, []);
  const url = useSignal(webhook?.url ?? "");
  const types = useSignal((webhook?.event_types ?? ["*"]).join(", "));
  const description = useSignal(webhook?.description ?? "");
  const enabled = useSignal(webhook?.enabled ?? true);

  async function save() {
    const said = {
      url: url.peek().trim(),
      event_types: types.peek().split(/[\s,]+/).filter(Boolean),
      description: description.peek().trim() || null,
      enabled: enabled.peek(),
    };
    if (webhook) await api.patch(`/webhooks/${webhook.id}`, said, webhook.version);
    else made((await api.post("/webhooks", said, { once: once(said) })).secret);
    await changed();
  }

  return html`<${EditDialog} title=${webhook ? "Edit the webhook" : "New webhook"} action=${webhook ? "Save" : "Create"} save=${save} close=${close}>
    <${Field} label="Address" type="url" required maxlength="2000" placeholder="https://hooks.example/muster" value=${url.value} set=${(/** @type {string} */ said) => (url.value = said)} />
    <${Field} label="Events" required hint="Separated by commas: types such as device.registered.v1, subjects such as device.*, or * for all." value=${types.value} set=${(/** @type {string} */ said) => (types.value = said)} />
    <${Field} label="Description" maxlength="500" value=${description.value} set=${(/** @type {string} */ said) => (description.value = said)} />
    <${Check} label="Turned on" value=${enabled.value} set=${(/** @type {boolean} */ said) => (enabled.value = said)} />
  <//>`;
}
