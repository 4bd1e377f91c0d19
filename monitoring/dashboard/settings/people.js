/** The people of the organization, and what they may do. */

import { html, useMemo, useSignal } from "../view.js";
import { createOnce } from "../once.js";
import { useApp } from "../shell/context.js";
import { Confirm } from "../shell/dialog.js";
import { DataTable } from "../shell/data-table.js";
import { Check, Field } from "../shell/field.js";
import { EditDialog } from "./edit-dialog.js";
import { Listed, useWhole } from "./listed.js";

/** @typedef {{id: number, email: string, name: string, roles: string[], scopes: string[], active: boolean, version: number}} User as `GET /users` answers */

export function People() {
  const { api, session } = useApp();
  const list = useWhole("/users");
  const roles = useWhole("/roles");
  const editing = useSignal(/** @type {User | "new" | null} */ (null));
  const leaving = useSignal(/** @type {User | null} */ (null));
  const self = session.person.value?.id;

  async function remove() {
    await api.remove(`/users/${leaving.peek()?.id}`, leaving.peek()?.version);
    await list.load();
  }

  return html`<${Listed} title="People" about="Who may sign in to your organization." add="Invite somebody" open=${() => (editing.value = "new")} list=${list} empty="Give somebody an account.">
      <${DataTable}
        caption="People"
        items=${list.items.value}
        keyOf=${(/** @type {User} */ { id }) => id}
        columns=${[
          ["Name", (/** @type {User} */ user) => html`<strong>${user.name}</strong>${user.id === self && html` <span class="tag">you</span>`}`],
          ["Email", (/** @type {User} */ { email }) => email],
          ["Roles", (/** @type {User} */ { roles: held, scopes }) => [...held, ...scopes].join(", ") || html`<span class="none">none</span>`],
          ["State", (/** @type {User} */ { active }) => (active ? "active" : html`<span class="unwell">locked out</span>`)],
        ]}
        acts=${(/** @type {User} */ user) => html`
          <button type="button" class="link" aria-label=${`Edit ${user.name}`} onClick=${() => (editing.value = user)}>Edit</button>
          ${user.id !== self && html`<button type="button" class="link" aria-label=${`Remove ${user.name}`} onClick=${() => (leaving.value = user)}>Remove</button>`}`}
      />
    <//>
    ${editing.value && html`<${PersonForm} user=${editing.value === "new" ? null : editing.value} roles=${roles.items.value} changed=${list.load} close=${() => (editing.value = null)} />`}
    ${leaving.value &&
    html`<${Confirm} title=${`Remove ${leaving.value.name}?`} action="Remove" instead="Keep" grave run=${remove} close=${() => (leaving.value = null)}>
      <p>${leaving.value.email} can no longer sign in, and every sign-in and key of theirs ends within seconds.</p>
    <//>`}`;
}

/** @param {{user: User | null, roles: any[], changed: () => Promise<void>, close: () => void}} props */
function PersonForm({ user, roles, changed, close }) {
  const { api } = useApp();
  const once = useMemo(createOnce, []);
  const email = useSignal(user?.email ?? "");
  const name = useSignal(user?.name ?? "");
  const password = useSignal("");
  const held = useSignal(user?.roles ?? ["viewer"].filter((role) => roles.some((one) => one.name === role)));
  const active = useSignal(user?.active ?? true);

  async function save() {
    const said = { name: name.peek().trim(), roles: held.peek(), ...(password.peek() && { password: password.peek() }) };
    if (user) await api.patch(`/users/${user.id}`, { ...said, active: active.peek() }, user.version);
    else {
      const body = { ...said, email: email.peek().trim() };
      await api.post("/users", body, { once: once(body) });
    }
    await changed();
  }

  return html`<${EditDialog} title=${user ? `Edit ${user.name}` : "Invite somebody"} action=${user ? "Save" : "Create the account"} save=${save} close=${close}>
    ${!user && html`<${Field} label="Email" type="email" required value=${email.value} set=${(/** @type {string} */ said) => (email.value = said)} />`}
    <${Field} label="Name" required maxlength="200" value=${name.value} set=${(/** @type {string} */ said) => (name.value = said)} />
    <${Field}
      label=${user ? "A new password" : "First password"}
      type="password"
      required=${!user}
      minlength="10"
      autocomplete="new-password"
      hint=${user ? "Empty: it stays. A new one ends every sign-in of theirs." : "Ten characters at least; they can change it in their settings."}
      value=${password.value}
      set=${(/** @type {string} */ said) => (password.value = said)}
    />
    <fieldset class="ticks">
      <legend>Roles</legend>
      ${roles.map(
        (role) => html`<label key=${role.name}>
          <input type="checkbox" checked=${held.value.includes(role.name)} onChange=${(/** @type {any} */ event) => (held.value = event.currentTarget.checked ? [...held.value, role.name] : held.value.filter((one) => one !== role.name))} />
          ${role.name} ${role.description && html`<small>${role.description}</small>`}
        </label>`,
      )}
    </fieldset>
    ${user && html`<${Check} label="May sign in" value=${active.value} set=${(/** @type {boolean} */ said) => (active.value = said)} />`}
  <//>`;
}
