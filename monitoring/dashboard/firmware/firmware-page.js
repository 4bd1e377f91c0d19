/** The firmware there is, a way to add to it, and its approval. */

import { html, useEffect } from "../view.js";
import { useApp } from "../shell/context.js";
import { Heading } from "../shell/heading.js";
import { Empty, Failure, Waiting } from "../shell/states.js";
import { FirmwareTable } from "./firmware-table.js";
import { newestFirst } from "./library.js";
import { Policy } from "./policy.js";
import { UploadForm } from "./upload-form.js";

export function FirmwarePage() {
  const { library, session } = useApp();
  useEffect(() => {
    library.load();
    // Others upload and approve too: what they did is there when a person comes back to this page.
    const look = () => {
      if (!document.hidden) library.load();
    };
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);

  const ready = library.phase.value === "ready";
  const failure = library.error.value;
  const firmware = newestFirst(library.items.value);
  const mayUpload = session.can("updates:write");
  return html`
    <${Heading} title="Firmware" />
    <div class=${mayUpload ? "firmware-body" : ""}>
      <section aria-label="Firmware" class="library">
        ${!ready && failure && html`<${Failure} title="The firmware could not be read" error=${failure} retry=${library.load} />`}
        ${!ready && !failure && html`<${Waiting}>Reading the firmware<//>`}
        ${ready &&
        failure &&
        html`<p class="notice alarm" role="alert">${failure.message} <button type="button" class="link" onClick=${library.load}>Try again</button></p>`}
        ${ready &&
        firmware.length === 0 &&
        html`<${Empty} title="No firmware yet">
          <p>${mayUpload ? "Upload an image here" : "Somebody who may update devices uploads an image"}, have it approved, and update a device from its page.</p>
        <//>`}
        ${ready && firmware.length > 0 && html`<${FirmwareTable} firmware=${firmware} />`}
        ${ready && html`<${Policy} />`}
      </section>
      ${mayUpload && html`<${UploadForm} />`}
    </div>
  `;
}
