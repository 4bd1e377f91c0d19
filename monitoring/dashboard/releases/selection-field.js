/** Which devices are meant: all, a group, a site, those that a query finds, or those named. */

import { html, useEffect, useId, useMemo } from "../view.js";
import { createListing } from "../listing.js";
import { useApp } from "../shell/context.js";
import { Field, Lines, Select } from "../shell/field.js";
import { href } from "../shell/router.js";

/** @typedef {import("./wizard/draft.js").Kind} Kind */
/** @typedef {Pick<import("./wizard/draft.js").Cluster, "kind" | "chosen" | "rql" | "uids">} Selection */

const WORDS = /** @type {Record<Kind, string>} */ ({ all: "all devices", group: "a group", site: "a site", rql: "a query", named: "by uid" });

/**
 * @param {object} props
 * @param {Selection} props.value
 * @param {(changed: Partial<Selection>) => void} props.set
 * @param {Kind[]} [props.kinds]
 * @param {string | null} [props.error]
 */
export function SelectionField({ value, set, kinds = ["all", "group", "site", "rql", "named"], error = null }) {
  const name = useId();
  return html`<div class="selection-field">
    <fieldset class="choice">
      <legend class="hidden">Chosen by</legend>
      ${kinds.map(
        (kind) => html`<label key=${kind}>
          <input type="radio" name=${name} value=${kind} checked=${value.kind === kind} onChange=${() => set({ kind })} /><span>${WORDS[kind]}</span>
        </label>`,
      )}
    </fieldset>
    ${value.kind === "all" && html`<p class="none">Every device of the organization that is not retired.</p>`}
    ${value.kind === "group" && html`<${Named} of="/groups" label="Group" what="group" value=${value.chosen} set=${(/** @type {string} */ chosen) => set({ chosen })} error=${error} />`}
    ${value.kind === "site" && html`<${Named} of="/sites" label="Site" what="site" value=${value.chosen} set=${(/** @type {string} */ chosen) => set({ chosen })} error=${error} />`}
    ${value.kind === "rql" &&
    html`<${Field}
      label="Query"
      value=${value.rql}
      set=${(/** @type {string} */ rql) => set({ rql })}
      placeholder='and(eq(device_type,"pump"),eq(attributes/site,"hamburg"))'
      hint="RQL: eq, ne, gt, lt, in, like, exists, and, or, not over device_type, hardware_version, tags, attributes/…"
      error=${error}
      maxlength="4096"
    />`}
    ${value.kind === "named" && html`<${Lines} label="Uids" value=${value.uids} set=${(/** @type {string} */ uids) => set({ uids })} hint="One a line, or with commas between them." error=${error} />`}
  </div>`;
}

/**
 * @param {object} props
 * @param {string} props.of the path of the list
 * @param {string} props.label
 * @param {string} props.what
 * @param {string} props.value
 * @param {(id: string) => void} props.set
 * @param {string | null} props.error
 */
function Named({ of, label, what, value, set, error }) {
  const { api } = useApp();
  const list = useMemo(() => {
    /** @type {import("../listing.js").Listing<{id: number, name: string}>} */
    const listing = createListing(api, of, { page: 500, whole: true });
    return listing;
  }, [api, of]);
  useEffect(() => void list.load(), [list]);
  const failure = list.error.value;
  if (failure) return html`<p class="notice alarm" role="alert">${failure.message} <button type="button" class="link" onClick=${list.load}>Try again</button></p>`;
  if (list.phase.value !== "ready") return html`<p class="none" role="status">Reading the ${what}s</p>`;
  if (list.items.value.length === 0) return html`<p class="none">There is no ${what} yet.${what === "site" && html` <a href=${href("sites")}>Create one</a>.`}</p>`;
  const options = /** @type {[string, string][]} */ ([["", `Choose a ${what}`], ...list.items.value.map(({ id, name }) => [String(id), name])]);
  return html`<${Select} label=${label} value=${value} set=${set} options=${options} error=${error} />`;
}
