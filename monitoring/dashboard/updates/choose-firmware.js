/** A new update: which of the approved images that fit the device. */

import { html, useEffect, useSignal } from "../view.js";
import { ApiError } from "../rest.js";
import { useApp } from "../shell/context.js";
import { Dialog, useAttempt } from "../shell/dialog.js";
import { bytes, moment } from "../shell/format.js";
import { href } from "../shell/router.js";
import { Waiting } from "../shell/states.js";
import { newestFirst } from "../firmware/library.js";
import { fits } from "./states.js";

/**
 * @param {object} props
 * @param {import("../fleet/inventory.js").Device} props.device
 * @param {string | null} props.running the version it runs
 * @param {() => void} props.close
 * @param {() => void} props.started
 */
export function ChooseFirmware({ device, running, close, started }) {
  const { api, library } = useApp();
  const chosen = useSignal(/** @type {number | null} */ (null));
  useEffect(() => void library.load(), []);
  const { busy, error, attempt } = useAttempt(async () => {
    await api.post("/updates", { device_uid: device.device_uid, firmware_id: chosen.peek() });
    started();
    close();
  });

  const ready = library.phase.value === "ready";
  const failure = library.error.value;
  const approved = newestFirst(library.items.value).filter((firmware) => firmware.state === "approved");
  const fitting = approved.filter((firmware) => fits(firmware, device));

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    attempt();
  }

  return html`<${Dialog} title=${`Update ${device.name ?? device.device_uid}`} close=${close}>
    <form onSubmit=${submit}>
      ${!ready && !failure && html`<${Waiting}>Reading the firmware<//>`}
      ${failure &&
      html`<p class="notice alarm" role="alert">${failure.message} <button type="button" class="link" onClick=${library.load}>Try again</button></p>`}
      ${ready && fitting.length === 0 && html`<${NothingFits} device=${device} approved=${approved.length} />`}
      ${fitting.length > 0 &&
      html`<fieldset class="images">
        <legend>Approved firmware that fits${device.hardware_version ? ` ${device.hardware_version}` : ""}</legend>
        ${fitting.map(
          (firmware) => html`<label key=${firmware.id}>
            <input type="radio" name="firmware" required checked=${chosen.value === firmware.id} onChange=${() => (chosen.value = firmware.id)} />
            <span class="image">
              <strong>${firmware.name} <span class="value">${firmware.version}</span></strong>
              ${firmware.version === running && html`<span class="tag">runs now</span>`}
              <small>${bytes(firmware.size)}${firmware.approved_at && `, approved ${moment(firmware.approved_at)}`}</small>
            </span>
          </label>`,
        )}
      </fieldset>`}
      <div role="alert">${error && html`<p class="notice alarm">${error.message} ${whatNext(error)}</p>`}</div>
      <div class="answers">
        <button type="button" class="secondary" onClick=${close}>Not now</button>
        ${fitting.length > 0 && html`<button type="submit" aria-busy=${busy} disabled=${busy || chosen.value === null}>Start the update</button>`}
      </div>
    </form>
  <//>`;
}

/** @param {{device: import("../fleet/inventory.js").Device, approved: number}} props */
function NothingFits({ device, approved }) {
  const hardware = device.hardware_version ? `hardware ${device.hardware_version}` : "a device without a hardware version";
  return html`<p>
    ${approved > 0 ? `None of the approved firmware is for ${hardware}.` : "No firmware is approved yet."}${" "}
    <a href=${href("firmware")}>Upload and approve one</a>, then come back.
  </p>`;
}

/** @param {Error} error */
function whatNext(error) {
  return error instanceof ApiError && error.passing ? "Try again in a moment." : "";
}
