/** Which firmware a release brings: one image or several that are installed together, in order. */

import { html, useEffect } from "../../view.js";
import { newestFirst } from "../../firmware/library.js";
import { useApp } from "../../shell/context.js";
import { Field } from "../../shell/field.js";
import { bytes } from "../../shell/format.js";
import { href } from "../../shell/router.js";
import { Waiting } from "../../shell/states.js";

/** @param {import("./wizard.js").StepProps} props */
export function StepFirmware({ draft, set, fault }) {
  const { library } = useApp();
  useEffect(() => void library.load(), []);
  const approved = newestFirst(library.items.value).filter(({ state }) => state === "approved");
  const failure = library.error.value;
  const ready = library.phase.value === "ready";
  const chosen = new Set(draft.apps.map(({ id }) => id));

  /** @param {number} id */
  function toggle(id) {
    set({ apps: chosen.has(id) ? draft.apps.filter((app) => app.id !== id) : [...draft.apps, { id, floor: "" }] });
  }

  return html`
    ${failure && html`<p class="notice alarm" role="alert">${failure.message} <button type="button" class="link" onClick=${library.load}>Try again</button></p>`}
    ${!ready && !failure && html`<${Waiting}>Reading the firmware<//>`}
    ${ready && approved.length === 0 && html`<p class="notice">No firmware is approved yet. <a href=${href("firmware")}>Upload and approve one</a>, then come back: what you have said here is kept.</p>`}
    ${approved.length > 0 &&
    html`<fieldset class="images">
      <legend>Approved firmware. Several are a bundle: a device installs all of them together, or none.</legend>
      ${approved.map(
        (image) => html`<label key=${image.id}>
          <input type="checkbox" name="firmware" checked=${chosen.has(image.id)} onChange=${() => toggle(image.id)} />
          <span class="image">
            <strong>${image.name} <span class="value">${image.version}</span></strong>
            <small>${image.hardware_versions.length > 0 ? `for ${image.hardware_versions.join(", ")}` : "for all hardware"}, ${bytes(image.size)}</small>
          </span>
        </label>`,
      )}
    </fieldset>`}
    ${fault("apps") && html`<p class="notice alarm" role="alert">${fault("apps")}</p>`}
    ${draft.apps.length > 0 && ready && html`<${Chosen} draft=${draft} set=${set} />`}
  `;
}

/** The chosen ones in their order. @param {Pick<import("./wizard.js").StepProps, "draft" | "set">} props */
function Chosen({ draft, set }) {
  const { library } = useApp();

  /** @param {number} place @param {number} by */
  function move(place, by) {
    const apps = [...draft.apps];
    apps.splice(place + by, 0, ...apps.splice(place, 1));
    set({ apps });
  }

  /** @param {number} id */
  const leaveOut = (id) => set({ apps: draft.apps.filter((app) => app.id !== id) });

  return html`<ol class="bundle" aria-label="Installed in this order">
    ${draft.apps.map(({ id, floor }, place) => {
      const image = library.items.value.find((each) => each.id === id);
      const name = image ? `${image.name} ${image.version}` : `firmware ${id}`;
      const approved = image?.state === "approved";
      return html`<li key=${id}>
        <span><strong>${name}</strong>${!approved && html` <small class="wrong">is not approved (any more)</small>`}</span>
        <${Field}
          label="Only from version"
          value=${floor}
          set=${(/** @type {string} */ written) => set({ apps: draft.apps.map((app) => (app.id === id ? { id, floor: written } : app)) })}
          placeholder="any"
          maxlength="64"
          hint="Devices that run an older one are left alone."
        />
        <span class="moves">
          ${draft.apps.length > 1 &&
          html`<button type="button" class="secondary small" disabled=${place === 0} aria-label=${`${name} earlier`} onClick=${() => move(place, -1)}>Earlier</button>
            <button type="button" class="secondary small" disabled=${place === draft.apps.length - 1} aria-label=${`${name} later`} onClick=${() => move(place, 1)}>Later</button>`}
          ${!approved && html`<button type="button" class="secondary small" aria-label=${`Leave ${name} out`} onClick=${() => leaveOut(id)}>Leave out</button>`}
        </span>
      </li>`;
    })}
  </ol>`;
}
