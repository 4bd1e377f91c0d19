/** API keys: tokens for programs, shown once, and revoked when they are no longer needed. */

import { html, useMemo, useSignal } from "../view.js";
import { createOnce } from "../once.js";
import { useApp } from "../shell/context.js";
import { Confirm } from "../shell/dialog.js";
import { DataTable } from "../shell/data-table.js";
import { Field, Select } from "../shell/field.js";
import { ago, moment } from "../shell/format.js";
import { now } from "../shell/now.js";
import { EditDialog } from "./edit-dialog.js";
import { Listed, useWhole } from "./listed.js";
import { ScopeField } from "./scopes.js";
import { ShownOnce } from "./shown-once.js";

/** @typedef {{id: string, name: string, prefix: string, scopes: string[], created_at: string, expires_at: string, revoked_at: string | null, last_used_at: string | null}} Key as `GET /api-keys` answers */

export function Keys() {
  const { api } = useApp();
  const list = useWhole("/api-keys");
  const making = useSignal(false);
  const issued = useSignal(/** @type {(Key & {token: string}) | null} */ (null));
  const ending = useSignal(/** @type {Key | null} */ (null));

  async function revoke() {
    await api.remove(`/api-keys/${encodeURIComponent(ending.peek()?.id ?? "")}`);
    await list.load();
  }

  return html`<${Listed} title="API keys" about="For programs that use the platform in your name." add="New key" open=${() => (making.value = true)} list=${list} empty="Make a key for a program that is to use the platform.">
      <${DataTable}
        caption="API keys"
        items=${list.items.value}
        keyOf=${(/** @type {Key} */ { id }) => id}
        columns=${[
          ["Name", (/** @type {Key} */ { name, prefix }) => html`<strong>${name}</strong> <code>${prefix}…</code>`],
          ["May", (/** @type {Key} */ { scopes }) => html`<span class="scopes">${scopes.map((scope) => html`<code key=${scope}>${scope}</code> `)}</span>`],
          ["Last used", (/** @type {Key} */ { last_used_at: at }) => (at ? html`<time datetime=${at} title=${moment(at)}>${ago(Date.parse(at), now.value)}</time>` : html`<span class="none">never</span>`)],
          ["Good until", (/** @type {Key} */ key) => (key.revoked_at ? html`<span class="unwell">revoked</span>` : html`<time datetime=${key.expires_at}>${moment(key.expires_at)}</time>`)],
        ]}
        acts=${(/** @type {Key} */ key) => !key.revoked_at && html`<button type="button" class="link" aria-label=${`Revoke ${key.name}`} onClick=${() => (ending.value = key)}>Revoke</button>`}
      />
    <//>
    ${making.value && html`<${KeyForm} made=${(/** @type {any} */ key) => ((issued.value = key), list.load())} close=${() => (making.value = false)} />`}
    ${issued.value &&
    html`<${ShownOnce} title=${`The key ${issued.value.name}`} secret=${issued.value.token} close=${() => (issued.value = null)}>
      <p>A program sends it as <code>Authorization: Bearer …</code></p>
    <//>`}
    ${ending.value &&
    html`<${Confirm} title=${`Revoke ${ending.value.name}?`} action="Revoke" instead="Keep" grave run=${revoke} close=${() => (ending.value = null)}>
      <p>Whatever uses it is refused within five seconds. This cannot be taken back.</p>
    <//>`}`;
}

/** @param {{made: (key: any) => void, close: () => void}} props */
function KeyForm({ made, close }) {
  const { api, session } = useApp();
  const once = useMemo(createOnce, []);
  const name = useSignal("");
  const days = useSignal("90");
  const scopes = useSignal(["devices:read"]);

  async function save() {
    if (scopes.peek().length === 0) throw new Error("Tick at least one thing that it may do.");
    const body = { name: name.peek().trim(), scopes: scopes.peek(), expires_in_days: Number(days.peek()) };
    made(await api.post("/api-keys", body, { once: once(body) }));
  }

  return html`<${EditDialog} title="New API key" action="Make the key" save=${save} close=${close}>
    <${Field} label="Name" required maxlength="200" placeholder="Nightly report" value=${name.value} set=${(/** @type {string} */ said) => (name.value = said)} />
    <${Select} label="Good for" value=${days.value} options=${[["7", "a week"], ["30", "30 days"], ["90", "90 days"], ["365", "a year"]]} set=${(/** @type {string} */ said) => (days.value = said)} />
    <${ScopeField} legend="It may" held=${session.person.value?.scopes ?? []} chosen=${scopes.value} choose=${(/** @type {string[]} */ chosen) => (scopes.value = chosen)} />
  <//>`;
}
