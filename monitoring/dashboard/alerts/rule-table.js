/** The table of rules, with what may be done with each. */

import { html, useSignal } from "../view.js";
import { useApp } from "../shell/context.js";
import { Confirm, useAttempt } from "../shell/dialog.js";
import { moment } from "../shell/format.js";
import { now } from "../shell/now.js";
import { alertsHref } from "./address.js";
import { RuleForm } from "./rule-form.js";
import { Silence } from "./silence.js";
import { conditionInWords, isSilent, scopeInWords } from "./words.js";

/** @typedef {import("./words.js").Rule} Rule */

/** @param {{rules: Rule[], groups: ReadonlyMap<number, string>, changed: () => Promise<void>}} props */
export function RuleTable({ rules, groups, changed }) {
  const { api } = useApp();
  const asked = useSignal(/** @type {{what: "edit" | "silence" | "remove", rule: Rule} | null} */ (null));
  const close = () => (asked.value = null);

  /** @param {Rule} rule */
  async function remove(rule) {
    await api.remove(`/alert-rules/${rule.id}`, rule.version);
    await changed();
  }

  return html`<div class="panel">
    <table class="alerts-table rules-table" role="table">
      <caption class="hidden">Alert rules</caption>
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">Rule</th>
          <th scope="col" role="columnheader">Looks at</th>
          <th scope="col" role="columnheader">Severity</th>
          <th scope="col" role="columnheader">State</th>
          <th scope="col" role="columnheader"><span class="hidden">What may be done</span></th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${rules.map((rule) => html`<${RuleRow} key=${rule.id} rule=${rule} groups=${groups} changed=${changed} ask=${(/** @type {any} */ what) => (asked.value = { what, rule })} />`)}
      </tbody>
    </table>
    ${asked.value?.what === "edit" && html`<${RuleForm} rule=${asked.value.rule} changed=${changed} close=${close} />`}
    ${asked.value?.what === "silence" && html`<${Silence} rule=${asked.value.rule} changed=${changed} close=${close} />`}
    ${asked.value?.what === "remove" &&
    html`<${Confirm} title=${`Remove ${asked.value.rule.name}?`} action="Remove" instead="Keep it" grave run=${() => remove(/** @type {Rule} */ (asked.peek()?.rule))} close=${close}>
      <p>It opens no more alerts, and those of it that are open are cleared. Past ones stay to be read.</p>
    <//>`}
  </div>`;
}

/** @param {{rule: Rule, groups: ReadonlyMap<number, string>, changed: () => Promise<void>, ask: (what: "edit" | "silence" | "remove") => void}} props */
function RuleRow({ rule, groups, changed, ask }) {
  const { api, session } = useApp();
  const silent = isSilent(rule, now.value);
  const toggling = useAttempt(async () => {
    await api.patch(`/alert-rules/${rule.id}`, { enabled: !rule.enabled }, rule.version);
    await changed();
  });
  const speaking = useAttempt(async () => {
    await api.post(`/alert-rules/${rule.id}/silence`, { until: null });
    await changed();
  });
  const error = toggling.error ?? speaking.error;
  return html`<tr role="row" data-rule=${rule.id} data-enabled=${String(rule.enabled)} data-silent=${String(silent)}>
    <th scope="row" role="rowheader"><a href=${alertsHref({ state: "all", rule: rule.id })}>${rule.name}</a><small>${conditionInWords(rule.condition, rule.for_s)}</small></th>
    <td role="cell" class="looks">${scopeInWords(rule.scope, groups)}</td>
    <td role="cell"><span class=${`severity ${rule.severity}`}>${rule.severity}</span></td>
    <td role="cell">${!rule.enabled ? html`<span class="none">disabled</span>` : silent ? html`silent<small>until ${moment(/** @type {string} */ (rule.silenced_until))}</small>` : "on"}</td>
    <td role="cell" class="acts">
      ${session.can("alerts:write") &&
      html`<button type="button" class="link" aria-label=${`Edit ${rule.name}`} onClick=${() => ask("edit")}>Edit</button>
        ${silent
          ? html`<button type="button" class="link" aria-label=${`End silence of ${rule.name}`} onClick=${speaking.attempt}>End silence</button>`
          : html`<button type="button" class="link" aria-label=${`Silence ${rule.name}`} onClick=${() => ask("silence")}>Silence</button>`}
        <button type="button" class="link" aria-label=${`${rule.enabled ? "Disable" : "Enable"} ${rule.name}`} onClick=${toggling.attempt}>${rule.enabled ? "Disable" : "Enable"}</button>
        <button type="button" class="link" aria-label=${`Remove ${rule.name}`} onClick=${() => ask("remove")}>Remove</button>`}
      ${error && html`<small class="wrong" role="alert">${error.message}</small>`}
    </td>
  </tr>`;
}
