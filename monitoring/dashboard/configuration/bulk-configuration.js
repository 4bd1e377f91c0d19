/** Sets many devices alike, as a job that can be paused, with what it comes to before it begins. */

import { html, useMemo, useSignal } from "../view.js";
import { createOnce } from "../once.js";
import { paramsOf } from "../actions/states.js";
import { Preview, usePreview } from "../fleet/preview.js";
import { useApp } from "../shell/context.js";
import { Dialog, useAttempt } from "../shell/dialog.js";
import { href } from "../shell/router.js";

/** @param {{target: import("../fleet/target.js").Target, close: () => void}} props */
export function BulkConfiguration({ target, close }) {
  const { api } = useApp();
  const params = useSignal("");
  const once = useMemo(createOnce, []);
  const preview = usePreview(target);
  const count = preview.found?.count ?? 0;
  const { busy, error, attempt } = useAttempt(async () => {
    const wanted = paramsOf(params.peek());
    if (Object.keys(wanted).length === 0) throw new Error("Name at least one member to set.");
    const body = { params: wanted, ...("group" in target ? { group_id: target.group } : target) };
    const { id } = await api.post("/configuration/jobs", body, { once: once(body) });
    close();
    location.hash = href("configurations", [id]);
  });

  return html`<${Dialog} title="Set configuration" close=${close}>
    <form onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), attempt())}>
      <label>Members to set, as JSON<textarea name="params" rows="4" placeholder='{"report_every_s": 30}' spellcheck=${false} value=${params.value} onInput=${(/** @type {any} */ event) => (params.value = event.currentTarget.value)}></textarea></label>
      <p class="none">What is not named stays as it is; <code>null</code> takes a member away.</p>
      <${Preview} ...${preview} />
      <div role="alert">${error && html`<p class="notice alarm">${error.message}</p>`}</div>
      <div class="answers">
        <button type="button" class="secondary" onClick=${close}>Not now</button>
        <button type="submit" aria-busy=${busy} disabled=${busy || count === 0}>Set ${count} ${count === 1 ? "device" : "devices"}</button>
      </div>
    </form>
  <//>`;
}
