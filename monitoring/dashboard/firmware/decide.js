/** What may be decided about an image: that it can be installed, and that it no longer can. */

import { html, useSignal } from "../view.js";
import { useApp } from "../shell/context.js";
import { Confirm, Dialog } from "../shell/dialog.js";
import { bytes } from "../shell/format.js";

/** @typedef {import("./library.js").Firmware} Firmware */

/** @param {{firmware: Firmware, close: () => void}} props */
export function Approve({ firmware, close }) {
  const { api, library } = useApp();
  const missing = useSignal(0);

  async function approve() {
    const answer = await api.post(`/firmware/${firmware.id}/approve`);
    missing.value = answer.state === "approved" ? 0 : answer.approvals_needed - answer.approvals.length;
    await library.load();
    return missing.peek() === 0;
  }

  if (missing.value > 0) {
    return html`<${Dialog} title="Your approval counts" close=${close}>
      <p role="status">${missing.value === 1 ? "One more person" : `${missing.value} more people`} must approve ${firmware.name} ${firmware.version} before it can be installed.</p>
      <div class="answers"><button type="button" autofocus onClick=${close}>Close</button></div>
    <//>`;
  }
  return html`<${Confirm} title=${`Approve ${firmware.name} ${firmware.version}?`} action="Approve" instead="Not yet" run=${approve} close=${close}>
    <p>From then on it can be installed on ${firmware.hardware_versions.length > 0 ? `devices with hardware ${firmware.hardware_versions.join(", ")}` : "every device"}. An approval is not taken back, but the firmware can be withdrawn.</p>
    <p>${firmware.filename}, ${bytes(firmware.size)}, SHA-256 <code>${firmware.sha256}</code></p>
  <//>`;
}

/** @param {{firmware: Firmware, close: () => void}} props */
export function Withdraw({ firmware, close }) {
  const { api, library } = useApp();
  const reason = useSignal("");

  async function withdraw() {
    if (!reason.peek().trim()) throw new Error("Say why: others read it.");
    await api.post(`/firmware/${firmware.id}/withdraw`, { reason: reason.peek() });
    await library.load();
  }

  return html`<${Confirm} title=${`Withdraw ${firmware.name} ${firmware.version}?`} action="Withdraw" instead="Keep it" grave run=${withdraw} close=${close}>
    <p>No update with it begins any more, for good. Those under way go on unless they are cancelled.</p>
    <label>Why <input type="text" name="reason" maxlength="500" required value=${reason.value} onInput=${(/** @type {any} */ event) => (reason.value = event.target.value)} /></label>
  <//>`;
}
