/** Roles: what people may do, by a name. Those that are built in stay as they are. */

import { html, useMemo, useSignal } from "../view.js";
import { createOnce } from "../once.js";
import { useApp } from "../shell/context.js";
import { Confirm } from "../shell/dialog.js";
import { DataTable } from "../shell/data-table.js";
import { Field } from "../shell/field.js";
import { EditDialog } from "./edit-dialog.js";
import { Listed, useWhole } from "./listed.js";
import { ScopeField } from "./scopes.js";

/** @typedef {{name: string, description: string | null, scopes: string[], built_in: boolean, version: number}} Role as `GET /roles` answers */

export function Roles() {
  const { api } = useApp();
  const list = useWhole("/roles");
  const editing = useSignal(/** @type {Role | "new" | null} */ (null));
  const leaving = useSignal(/** @type {Role | null} */ (null));

  async function remove() {
    await api.remove(`/roles/${encodeURIComponent(leaving.peek()?.name ?? "")}`, leaving.peek()?.version);
    await list.load();
  }

  return html`<${Listed} title="Roles" about="What people may do, by a name." add="New role" open=${() => (editing.value = "new")} list=${list} empty="Make a role.">
      <${DataTable}
        caption="Roles"
        items=${list.items.value}
        keyOf=${(/** @type {Role} */ { name }) => name}
        columns=${[
          ["Name", (/** @type {Role} */ role) => html`<strong>${role.name}</strong>${role.built_in && html` <span class="tag">built in</span>`}`],
          ["For", (/** @type {Role} */ { description }) => description ?? html`<span class="none">–</span>`],
          ["May", (/** @type {Role} */ { scopes }) => html`<span class="scopes">${scopes.map((scope) => html`<code key=${scope}>${scope}</code> `)}</span>`],
        ]}
        acts=${(/** @type {Role} */ role) =>
          !role.built_in &&
          html`<button type="button" class="link" aria-label=${`Edit ${role.name}`} onClick=${() => (editing.value = role)}>Edit</button>
            <button type="button" class="link" aria-label=${`Delete ${role.name}`} onClick=${() => (leaving.value = role)}>Delete</button>`}
      />
    <//>
    ${editing.value && html`<${RoleForm} role=${editing.value === "new" ? null : editing.value} changed=${list.load} close=${() => (editing.value = null)} />`}
    ${leaving.value &&
    html`<${Confirm} title=${`Delete ${leaving.value.name}?`} action="Delete" instead="Keep" grave run=${remove} close=${() => (leaving.value = null)}>
      <p>Those who have this role can no longer do what it lets them do.</p>
    <//>`}`;
}

/** @param {{role: Role | null, changed: () => Promise<void>, close: () => void}} props */
function RoleForm({ role, changed, close }) {
  const { api, session } = useApp();
  const once = useMemo(createOnce, []);
  const name = useSignal(role?.name ?? "");
  const description = useSignal(role?.description ?? "");
  const scopes = useSignal(role?.scopes ?? ["devices:read"]);

  async function save() {
    const said = { description: description.peek().trim() || null, scopes: scopes.peek() };
    if (role) await api.patch(`/roles/${encodeURIComponent(role.name)}`, said, role.version);
    else {
      const body = { ...said, name: name.peek().trim() };
      await api.post("/roles", body, { once: once(body) });
    }
    await changed();
  }

  return html`<${EditDialog} title=${role ? `Edit ${role.name}` : "New role"} action=${role ? "Save" : "Create"} save=${save} close=${close}>
    ${!role && html`<${Field} label="Name" required maxlength="64" pattern="[a-z][a-z0-9_\\-]*" hint="Lower-case letters, digits, - and _, a letter first." placeholder="night-watch" value=${name.value} set=${(/** @type {string} */ said) => (name.value = said)} />`}
    <${Field} label="For" maxlength="200" placeholder="Those who watch at night" value=${description.value} set=${(/** @type {string} */ said) => (description.value = said)} />
    <${ScopeField} legend="They may" held=${session.person.value?.scopes ?? []} chosen=${scopes.value} choose=${(/** @type {string[]} */ chosen) => (scopes.value = chosen)} />
  <//>`;
}
