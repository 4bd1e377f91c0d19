/** Puts the chosen devices into a group, an existing one or a new one. */

import { html, useSignal } from "../view.js";
import { useApp } from "../shell/context.js";
import { Dialog, useAttempt } from "../shell/dialog.js";
import { href } from "../shell/router.js";
import { useGroups } from "./groups.js";
import { Preview, usePreview } from "./preview.js";

/** @param {{target: {device_uids: string[]}, close: () => void}} props */
export function BulkGroup({ target, close }) {
  const { api } = useApp();
  const groups = useGroups().filter(({ kind }) => kind === "fixed");
  const chosen = useSignal("");
  const name = useSignal("");
  const preview = usePreview(target);
  const { busy, error, attempt } = useAttempt(async () => {
    if (!chosen.peek() && !name.peek().trim()) throw new Error("Choose a group, or name a new one.");
    const id = chosen.peek() || (await api.post("/groups", { name: name.peek().trim() })).id;
    // A group that was made is chosen from then on, so that a second try does not make another.
    chosen.value = String(id);
    await api.post(`/groups/${id}/members`, { devices: target.device_uids });
    close();
    location.hash = href("fleet", [], { group: id });
  });

  return html`<${Dialog} title="Put into a group" close=${close}>
    <form onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), attempt())}>
      ${groups.length > 0 &&
      html`<label>Group
        <select name="group" value=${chosen.value} onChange=${(/** @type {any} */ event) => (chosen.value = event.currentTarget.value)}>
          <option value="">A new one</option>
          ${groups.map((group) => html`<option key=${group.id} value=${String(group.id)}>${group.name}</option>`)}
        </select>
      </label>`}
      ${!chosen.value && html`<label>Name of the new group<input name="name" maxlength="200" autocomplete="off" value=${name.value} onInput=${(/** @type {any} */ event) => (name.value = event.currentTarget.value)} /></label>`}
      <${Preview} ...${preview} />
      <div role="alert">${error && html`<p class="notice alarm">${error.message}</p>`}</div>
      <div class="answers">
        <button type="button" class="secondary" onClick=${close}>Not now</button>
        <button type="submit" aria-busy=${busy} disabled=${busy || !preview.found}>Put into the group</button>
      </div>
    </form>
  <//>`;
}
