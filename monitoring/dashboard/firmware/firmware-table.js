/** The table of images, with their approval. */

import { html, useSignal } from "../view.js";
import { useApp } from "../shell/context.js";
import { Confirm } from "../shell/dialog.js";
import { bytes, moment } from "../shell/format.js";

/** @param {{firmware: import("./library.js").Firmware[]}} props */
export function FirmwareTable({ firmware }) {
  const { api, library, session } = useApp();
  const asked = useSignal(/** @type {import("./library.js").Firmware | null} */ (null));
  const wanted = asked.value;

  async function approve() {
    await api.post(`/firmware/${asked.peek()?.id}/approve`);
    await library.load();
  }

  return html`<div class="panel">
    <table class="images-table" role="table">
      <caption class="hidden">Firmware, the newest first</caption>
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">Firmware</th>
          <th scope="col" role="columnheader">For hardware</th>
          <th scope="col" role="columnheader">Size</th>
          <th scope="col" role="columnheader">Uploaded</th>
          <th scope="col" role="columnheader">State</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${firmware.map(
          (image) => html`<tr role="row" key=${image.id} data-firmware=${image.id} data-state=${image.state}>
            <th scope="row" role="rowheader">
              <strong>${image.name}</strong> <span class="value">${image.version}</span>
              <small title=${`SHA-256 ${image.sha256}`}>${image.filename} · <code>${image.sha256.slice(0, 12)}</code></small>
            </th>
            <td role="cell">${image.hardware_versions.join(", ") || html`<span class="none">all hardware</span>`}</td>
            <td role="cell" class="size">${bytes(image.size)}</td>
            <td role="cell"><time datetime=${image.uploaded_at}>${moment(image.uploaded_at)}</time></td>
            <td role="cell" class="approval">
              ${image.state === "approved"
                ? html`<span class="approved" title=${image.approved_at ? moment(image.approved_at) : ""}>approved</span>`
                : session.can("updates:approve")
                  ? html`<button type="button" class="small" aria-label=${`Approve ${image.name} ${image.version}`} onClick=${() => (asked.value = image)}>Approve</button>`
                  : html`<span class="none">waits for approval</span>`}
            </td>
          </tr>`,
        )}
      </tbody>
    </table>
    ${wanted &&
    html`<${Confirm}
      title=${`Approve ${wanted.name} ${wanted.version}?`}
      action="Approve"
      instead="Not yet"
      run=${approve}
      close=${() => (asked.value = null)}
    >
      <p>From then on it can be installed on ${wanted.hardware_versions.length > 0 ? `devices with hardware ${wanted.hardware_versions.join(", ")}` : "every device"}. An approval is not taken back.</p>
      <p>${wanted.filename}, ${bytes(wanted.size)}, SHA-256 <code>${wanted.sha256}</code></p>
    <//>`}
  </div>`;
}
