/** What a device, or many, shall do: the fields of an action, and the order that they come to. */

import { html, useEffect, useSignal } from "../view.js";
import { useApp } from "../shell/context.js";
import { href } from "../shell/router.js";
import { newestFirst } from "../firmware/library.js";
import { paramsOf } from "./states.js";

const DEADLINES = /** @type {const} */ ([[600, "10 minutes"], [3_600, "an hour"], [86_400, "a day"], [604_800, "a week"]]);

/** @typedef {{type: string, params: Record<string, any>, deadline_s: number}} Order */

/** The fields as they stand; `order` is what they come to and throws for people when they say nothing sensible. */
export function useOrder() {
  const kind = useSignal(/** @type {"system_reboot" | "firmware_update" | "other"} */ ("system_reboot"));
  const firmware = useSignal("");
  const type = useSignal("");
  const params = useSignal("");
  const deadline = useSignal(/** @type {number} */ (DEADLINES[1][0]));

  /** @returns {Order} */
  function order() {
    const within = { deadline_s: deadline.peek() };
    if (kind.peek() === "system_reboot") return { type: "system_reboot", params: {}, ...within };
    if (kind.peek() === "firmware_update") {
      if (!firmware.peek()) throw new Error("Choose the firmware.");
      return { type: "firmware_update", params: { firmware_id: Number(firmware.peek()) }, ...within };
    }
    if (!/^[a-z][a-z0-9_.-]{0,63}$/.test(type.peek())) throw new Error("Name the action in small letters, digits and underscores, as the devices know it.");
    return { type: type.peek(), params: paramsOf(params.peek()), ...within };
  }

  return { kind, firmware, type, params, deadline, order };
}

/** @param {{fields: ReturnType<typeof useOrder>}} props */
export function ActionFields({ fields: { kind, firmware, type, params, deadline } }) {
  const { session } = useApp();
  const kinds = /** @type {const} */ ([
    ["system_reboot", "Restart"],
    ...(session.can("updates:write") ? [["firmware_update", "Update firmware"]] : []),
    ["other", "Something else"],
  ]);
  return html`
    <fieldset class="choice">
      <legend class="hidden">What to do</legend>
      ${kinds.map(([key, name]) => html`<label><input type="radio" name="kind" checked=${kind.value === key} onChange=${() => (kind.value = /** @type {any} */ (key))} /><span>${name}</span></label>`)}
    </fieldset>
    ${kind.value === "firmware_update" && html`<${FirmwareField} chosen=${firmware} />`}
    ${kind.value === "other" &&
    html`<label>Action<input name="type" placeholder="open_valve" autocomplete="off" spellcheck=${false} value=${type.value} onInput=${(/** @type {any} */ event) => (type.value = event.currentTarget.value.trim())} /></label>
      <label>Parameters, as JSON<textarea name="params" rows="3" placeholder='{"seconds": 30}' spellcheck=${false} value=${params.value} onInput=${(/** @type {any} */ event) => (params.value = event.currentTarget.value)}></textarea></label>`}
    <label>Give up after
      <select name="deadline" value=${String(deadline.value)} onChange=${(/** @type {any} */ event) => (deadline.value = Number(event.currentTarget.value))}>
        ${DEADLINES.map(([seconds, words]) => html`<option value=${String(seconds)}>${words}</option>`)}
      </select>
    </label>`;
}

/** @param {{chosen: import("../view.js").Signal<string>}} props */
function FirmwareField({ chosen }) {
  const { library } = useApp();
  useEffect(() => void library.load(), []);
  const approved = newestFirst(library.items.value).filter(({ state }) => state === "approved");
  if (library.error.value) return html`<p class="notice alarm" role="alert">${library.error.value.message} <button type="button" class="link" onClick=${library.load}>Try again</button></p>`;
  if (library.phase.value === "ready" && approved.length === 0) return html`<p>No firmware is approved yet. <a href=${href("firmware")}>Upload and approve one</a>, then come back.</p>`;
  return html`<label>Firmware
    <select name="firmware" value=${chosen.value} onChange=${(/** @type {any} */ event) => (chosen.value = event.currentTarget.value)}>
      <option value="">${library.phase.value === "ready" ? "Choose one" : "Reading the firmware"}</option>
      ${approved.map(({ id, name, version }) => html`<option key=${id} value=${String(id)}>${name} ${version}</option>`)}
    </select>
  </label>`;
}
