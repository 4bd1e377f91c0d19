/** One action in a list: what it is, how far it is, what came of it, and a way to stop it. */

import { html, useSignal } from "../view.js";
import { DeviceLink } from "../fleet/device-link.js";
import { useApp } from "../shell/context.js";
import { Confirm } from "../shell/dialog.js";
import { ago, duration, moment } from "../shell/format.js";
import { now } from "../shell/now.js";
import { isOpen, nameOf, word } from "./states.js";

/**
 * @param {object} props
 * @param {import("./states.js").Action} props.action
 * @param {boolean} [props.named] whether the device is told rather than the action
 * @param {() => void} props.changed
 */
export function ActionLine({ action, named = false, changed }) {
  const { api, session } = useApp();
  const cancelling = useSignal(false);
  const open = isOpen(action.state);
  const at = Date.parse(action.completed_at ?? action.requested_at);

  async function cancel() {
    await api.post(`/actions/${action.action_id}/cancel`);
    changed();
  }

  return html`<li data-action=${action.action_id} data-state=${action.state} data-progress=${action.progress}>
    <span class=${`outcome ${open ? "open" : action.state}`}>${word(action.state)}</span>
    <span class="what">${named ? html`<${DeviceLink} uid=${action.device_uid} />` : html`<strong>${nameOf(action.type)}</strong><${Params} params=${action.params} />`}</span>
    ${action.state === "running" &&
    html`<progress max="100" value=${action.progress ?? undefined} aria-label="Progress"></progress>${action.progress !== null && html`<span class="value">${action.progress} %</span>`}`}
    ${action.attempt > 1 && html`<span class="none">attempt ${action.attempt}</span>`}
    ${open && html`<time datetime=${action.deadline} title=${moment(action.deadline)}>${Date.parse(action.deadline) > now.value ? `${duration(Date.parse(action.deadline) - now.value)} left` : "about to time out"}</time>`}
    ${!open && html`<time datetime=${new Date(at).toISOString()} title=${moment(at)}>${ago(at, now.value)}</time>`}
    ${open && session.can("devices:write") && html`<button type="button" class="link" aria-label=${`Cancel ${nameOf(action.type)} of ${action.device_uid}`} onClick=${() => (cancelling.value = true)}>Cancel</button>`}
    ${action.error && html`<p class="reason">${action.error}</p>`}
    ${action.result !== null && action.result !== undefined && html`<p class="reason"><code>${JSON.stringify(action.result)}</code></p>`}
    ${cancelling.value &&
    open &&
    html`<${Confirm} title="Cancel this action?" action="Cancel it" instead="Let it go on" grave run=${cancel} close=${() => (cancelling.value = false)}>
      <p>${nameOf(action.type)} of ${action.device_uid} ends at once. ${action.state === "running" ? "A device that has begun is told, and may have done part of it." : "The device has not begun."}</p>
    <//>`}
  </li>`;
}

/** @param {{params: Record<string, any>}} props */
function Params({ params }) {
  return Object.keys(params).length > 0 ? html` <code>${JSON.stringify(params)}</code>` : null;
}
