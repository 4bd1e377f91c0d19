/** What people and keys may do: the scopes, in words. */

import { html } from "../view.js";

export const SCOPES = /** @type {const} */ ([
  ["devices:read", "See devices"],
  ["devices:write", "Change devices and ask them for actions"],
  ["updates:read", "See firmware, updates and releases"],
  ["updates:write", "Upload firmware, start updates and releases"],
  ["updates:approve", "Approve firmware and releases"],
  ["telemetry:read", "See what devices measure, and alerts"],
  ["alerts:write", "Make rules, and acknowledge alerts"],
  ["organization:admin", "Look after people, keys, webhooks"],
  ["platform:admin", "Look after all organizations"],
]);

/**
 * The scopes to tick: those that the person holds, for nobody gives what they do not have.
 * @param {{legend: string, held: string[], chosen: string[], choose: (scopes: string[]) => void}} props
 */
export function ScopeField({ legend, held, chosen, choose }) {
  const offered = SCOPES.filter(([scope]) => held.includes(scope) || chosen.includes(scope));
  return html`<fieldset class="ticks">
    <legend>${legend}</legend>
    ${offered.map(
      ([scope, words]) => html`<label key=${scope}>
        <input type="checkbox" checked=${chosen.includes(scope)} disabled=${!held.includes(scope)} onChange=${(/** @type {any} */ event) => choose(event.currentTarget.checked ? [...chosen, scope] : chosen.filter((one) => one !== scope))} />
        ${words} <code>${scope}</code>
      </label>`,
    )}
  </fieldset>`;
}
