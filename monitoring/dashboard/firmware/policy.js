/** How many people must approve an image before it can be installed. */

import { html, useEffect, useMemo, useSignal } from "../view.js";
import { createResource } from "../resource.js";
import { useApp } from "../shell/context.js";
import { Confirm } from "../shell/dialog.js";
import { Field } from "../shell/field.js";

const MOST = 10;

export function Policy() {
  const { api, session } = useApp();
  const changing = useSignal(false);
  const policy = useMemo(() => {
    /** @type {import("../resource.js").Resource<{approvals: number, version: number}>} */
    const found = createResource(() => api.get("/firmware/policy"));
    return found;
  }, [api]);
  useEffect(() => void policy.load(), [policy]);
  const known = policy.value.value;
  if (!known) return policy.error.value && html`<p class="policy notice alarm" role="alert">${policy.error.value.message} <button type="button" class="link" onClick=${policy.load}>Try again</button></p>`;
  return html`<div class="policy" data-approvals=${known.approvals}>
    ${known.approvals === 1 ? "One person approves an image before it can be installed." : `${known.approvals} people, none of them the one who uploaded it, approve an image before it can be installed.`}
    ${session.can("organization:admin") && html` <button type="button" class="link" onClick=${() => (changing.value = true)}>Change how many</button>`}
    ${changing.value && html`<${ChangePolicy} known=${known} changed=${policy.load} close=${() => (changing.value = false)} />`}
  </div>`;
}

/** @param {{known: {approvals: number, version: number}, changed: () => Promise<void>, close: () => void}} props */
function ChangePolicy({ known, changed, close }) {
  const { api } = useApp();
  const approvals = useSignal(String(known.approvals));

  async function change() {
    const wanted = Number(approvals.peek());
    if (!Number.isInteger(wanted) || wanted < 1 || wanted > MOST) throw new Error(`A number from 1 to ${MOST}.`);
    await api.put("/firmware/policy", { approvals: wanted }, known.version);
    await changed();
  }

  return html`<${Confirm} title="Who approves firmware?" action="Change" instead="Leave it" run=${change} close=${close}>
    <${Field} label="People" value=${approvals.value} set=${(/** @type {string} */ written) => (approvals.value = written)} inputmode="numeric" hint="From two on, the one who uploaded an image is not one of them, and keys do not count." />
    <p>It holds for what is approved from now on; what is approved already stays so.</p>
  <//>`;
}
