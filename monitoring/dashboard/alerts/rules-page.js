/** The rules that open alerts: each with what it waits for, where it looks, and a way to change or silence it. */

import { html, useEffect, useMemo, useSignal } from "../view.js";
import { createListing } from "../listing.js";
import { useApp } from "../shell/context.js";
import { Heading } from "../shell/heading.js";
import { Empty, Failure, Waiting } from "../shell/states.js";
import { RuleForm } from "./rule-form.js";
import { RuleTable } from "./rule-table.js";
import { Sections } from "./sections.js";

export function RulesPage() {
  const { api, session } = useApp();
  const creating = useSignal(false);
  const { list, groups } = useMemo(() => {
    /** @type {import("../listing.js").Listing<import("./words.js").Rule>} */
    const rules = createListing(api, "/alert-rules", { page: 500, whole: true });
    /** @type {import("../listing.js").Listing<{id: number, name: string}>} */
    const named = createListing(api, "/groups", { page: 500, whole: true });
    return { list: rules, groups: named };
  }, [api]);
  useEffect(() => {
    list.load();
    if (session.can("devices:read")) groups.load();
  }, [list]);

  const ready = list.phase.value === "ready";
  const failure = list.error.value;
  const rules = list.items.value;
  const may = session.can("alerts:write");
  return html`
    <${Heading} title="Alert rules" />
    <div class="toolbar">
      <${Sections} here="rules" />
      ${may && html`<button type="button" class="act" onClick=${() => (creating.value = true)}>New rule</button>`}
    </div>
    ${!ready && failure && html`<${Failure} title="The rules could not be read" error=${failure} retry=${list.load} />`}
    ${!ready && !failure && html`<${Waiting}>Reading the rules<//>`}
    ${ready && failure && html`<p class="notice alarm" role="alert">${failure.message} <button type="button" class="link" onClick=${list.load}>Try again</button></p>`}
    ${ready &&
    rules.length === 0 &&
    html`<${Empty} title="No rule yet">
      <p>A rule opens an alert when a metric is out of its limits or changes too fast, when a device is silent, or when it is away.</p>
      ${may ? html`<button type="button" onClick=${() => (creating.value = true)}>Write a rule</button>` : html`<p>Somebody who may change alerts writes one.</p>`}
    <//>`}
    ${rules.length > 0 && html`<${RuleTable} rules=${rules} groups=${new Map(groups.items.value.map(({ id, name }) => [id, name]))} changed=${list.load} />`}
    ${creating.value && html`<${RuleForm} rule=${null} changed=${list.load} close=${() => (creating.value = false)} />`}
  `;
}
