/** An action for many devices at once, with what it comes to before it begins. */

import { html, useMemo } from "../view.js";
import { createOnce } from "../once.js";
import { Preview, usePreview } from "../fleet/preview.js";
import { useApp } from "../shell/context.js";
import { Dialog, useAttempt } from "../shell/dialog.js";
import { href } from "../shell/router.js";
import { ActionFields, useOrder } from "./action-form.js";

/** @param {{target: import("../fleet/target.js").Target, close: () => void}} props */
export function BulkAction({ target, close }) {
  const { api } = useApp();
  const fields = useOrder();
  const once = useMemo(createOnce, []);
  const preview = usePreview(target);
  const count = preview.found?.count ?? 0;
  const { busy, error, attempt } = useAttempt(async () => {
    const body = { ...fields.order(), ...target };
    const { bulk_id: id } = await api.post("/actions/bulk", body, { once: once(body) });
    close();
    location.hash = href("bulk", [id]);
  });

  return html`<${Dialog} title="Ask for an action" close=${close}>
    <form onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), attempt())}>
      <${ActionFields} fields=${fields} />
      <${Preview} ...${preview} />
      <div role="alert">${error && html`<p class="notice alarm">${error.message}</p>`}</div>
      <div class="answers">
        <button type="button" class="secondary" onClick=${close}>Not now</button>
        <button type="submit" aria-busy=${busy} disabled=${busy || count === 0}>Ask ${count} ${count === 1 ? "device" : "devices"}</button>
      </div>
    </form>
  <//>`;
}
