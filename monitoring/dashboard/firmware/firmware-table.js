/** The table of images, with what was decided about them. */

import { html, useSignal } from "../view.js";
import { useApp } from "../shell/context.js";
import { newReleaseHref } from "../releases/address.js";
import { ago, bytes, moment } from "../shell/format.js";
import { now } from "../shell/now.js";
import { Approve, Withdraw } from "./decide.js";

/** @param {{firmware: import("./library.js").Firmware[]}} props */
export function FirmwareTable({ firmware }) {
  const { session } = useApp();
  const approving = useSignal(/** @type {import("./library.js").Firmware | null} */ (null));
  const withdrawing = useSignal(/** @type {import("./library.js").Firmware | null} */ (null));
  const may = session.can("updates:approve");

  return html`<div class="panel">
    <table class="images-table" role="table">
      <caption class="hidden">Firmware, the newest first</caption>
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">Firmware</th>
          <th scope="col" role="columnheader">Hardware</th>
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
            <td role="cell">${image.hardware_versions.join(", ") || html`<span class="none">all</span>`}</td>
            <td role="cell" class="size">${bytes(image.size)}</td>
            <td role="cell"><time datetime=${image.uploaded_at} title=${moment(image.uploaded_at)}>${ago(Date.parse(image.uploaded_at), now.value)}</time></td>
            <td role="cell" class="approval">
              ${image.state === "withdrawn" && html`<span class="withdrawn">withdrawn <small>${image.withdrawn_because}</small></span>`}
              ${image.state === "approved" && html`<span class="approved" title=${image.approved_at ? moment(image.approved_at) : ""}>approved</span>`}
              ${image.state === "uploaded" && !may && html`<span class="none">waits for approval</span>`}
              ${image.state === "uploaded" &&
              may &&
              html`<button type="button" class="small" aria-label=${`Approve ${image.name} ${image.version}`} onClick=${() => (approving.value = image)}>Approve</button>`}
              ${image.state === "approved" &&
              session.can("updates:write") &&
              html`<a class="into-release" href=${newReleaseHref(image.id)} aria-label=${`Release ${image.name} ${image.version}`}>Release</a>`}
              ${image.state !== "withdrawn" &&
              may &&
              html`<button type="button" class="link" aria-label=${`Withdraw ${image.name} ${image.version}`} onClick=${() => (withdrawing.value = image)}>Withdraw</button>`}
            </td>
          </tr>`,
        )}
      </tbody>
    </table>
    ${approving.value && html`<${Approve} firmware=${approving.value} close=${() => (approving.value = null)} />`}
    ${withdrawing.value && html`<${Withdraw} firmware=${withdrawing.value} close=${() => (withdrawing.value = null)} />`}
  </div>`;
}
