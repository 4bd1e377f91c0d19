/** All organizations, for those who look after the platform. */

import { html, useMemo, useSignal } from "../view.js";
import { createOnce } from "../once.js";
import { useApp } from "../shell/context.js";
import { Confirm } from "../shell/dialog.js";
import { DataTable } from "../shell/data-table.js";
import { Field, Select } from "../shell/field.js";
import { moment } from "../shell/format.js";
import { EditDialog } from "./edit-dialog.js";
import { Listed, useWhole } from "./listed.js";

/** @typedef {{id: number, slug: string, name: string, state: string, device_limit: number | null, telemetry_retention?: string, version: number, created_at: string}} Organization as `GET /organizations` answers */

const RETENTIONS = /** @type {[string, string][]} */ ([["short", "short"], ["standard", "standard"], ["long", "long"]]);

export function Organizations() {
  const { api, session } = useApp();
  const list = useWhole("/organizations");
  const editing = useSignal(/** @type {Organization | "new" | null} */ (null));
  const turning = useSignal(/** @type {Organization | null} */ (null));
  const own = session.person.value?.organization.id;
  const verb = turning.value?.state === "suspended" ? "reactivate" : "suspend";

  async function turn() {
    await api.post(`/organizations/${turning.peek()?.id}/${verb}`);
    await list.load();
  }

  return html`<${Listed} title="Organizations" about="Each has people and devices of its own." add="New organization" open=${() => (editing.value = "new")} list=${list} empty="Make the first one.">
      <${DataTable}
        caption="Organizations"
        items=${list.items.value}
        keyOf=${(/** @type {Organization} */ { id }) => id}
        columns=${[
          ["Name", (/** @type {Organization} */ { id, name, slug }) => html`<strong>${name}</strong> <code>${slug}</code>${id === own && html` <span class="tag">yours</span>`}`],
          ["Devices at most", (/** @type {Organization} */ { device_limit: limit }) => limit ?? html`<span class="none">no limit</span>`],
          ["Made", (/** @type {Organization} */ { created_at: at }) => html`<time datetime=${at}>${moment(at)}</time>`],
          ["State", (/** @type {Organization} */ { state }) => html`<span class=${state === "suspended" ? "unwell" : ""}>${state}</span>`],
        ]}
        acts=${(/** @type {Organization} */ organization) => html`<button type="button" class="link" aria-label=${`Edit ${organization.name}`} onClick=${() => (editing.value = organization)}>Edit</button>
          ${organization.id !== own &&
          html`<button type="button" class="link" aria-label=${`${organization.state === "suspended" ? "Reactivate" : "Suspend"} ${organization.name}`} onClick=${() => (turning.value = organization)}>${organization.state === "suspended" ? "Reactivate" : "Suspend"}</button>`}`}
      />
    <//>
    ${editing.value && html`<${OrganizationForm} organization=${editing.value === "new" ? null : editing.value} changed=${list.load} close=${() => (editing.value = null)} />`}
    ${turning.value &&
    html`<${Confirm} title=${`${verb === "suspend" ? "Suspend" : "Reactivate"} ${turning.value.name}?`} action=${verb === "suspend" ? "Suspend" : "Reactivate"} instead="Not now" grave=${verb === "suspend"} run=${turn} close=${() => (turning.value = null)}>
      <p>${verb === "suspend" ? "Nobody of it can sign in, and its devices are disconnected, until it is reactivated. Nothing is deleted." : "Its people can sign in and its devices connect again."}</p>
    <//>`}`;
}

/** @param {{organization: Organization | null, changed: () => Promise<void>, close: () => void}} props */
function OrganizationForm({ organization, changed, close }) {
  const { api } = useApp();
  const once = useMemo(createOnce, []);
  const name = useSignal(organization?.name ?? "");
  const slug = useSignal("");
  const limit = useSignal(String(organization?.device_limit ?? ""));
  const retention = useSignal(organization?.telemetry_retention ?? "");

  async function save() {
    const said = {
      name: name.peek().trim(),
      device_limit: limit.peek().trim() ? Number(limit.peek()) : null,
      ...(retention.peek() && { telemetry_retention: retention.peek() }),
    };
    if (organization) await api.patch(`/organizations/${organization.id}`, said, organization.version);
    else {
      const body = { ...said, slug: slug.peek().trim() };
      await api.post("/organizations", body, { once: once(body) });
    }
    await changed();
  }

  return html`<${EditDialog} title=${organization ? `Edit ${organization.name}` : "New organization"} action=${organization ? "Save" : "Create"} save=${save} close=${close}>
    <${Field} label="Name" required maxlength="200" value=${name.value} set=${(/** @type {string} */ said) => (name.value = said)} />
    ${!organization && html`<${Field} label="Slug" required pattern="[a-z0-9]([a-z0-9\\-]{0,62}[a-z0-9])?" hint="Small letters, digits and hyphens; it stands in addresses and stays." value=${slug.value} set=${(/** @type {string} */ said) => (slug.value = said)} />`}
    <${Field} label="Devices at most" inputmode="numeric" pattern="[0-9]*" hint="Empty: no limit." value=${limit.value} set=${(/** @type {string} */ said) => (limit.value = said)} />
    ${retention.value && html`<${Select} label="Measurements are kept" options=${RETENTIONS} value=${retention.value} set=${(/** @type {string} */ said) => (retention.value = said)} />`}
  <//>`;
}
