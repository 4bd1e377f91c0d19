/** A rule that is to keep still for a while. */

import { html, useSignal } from "../view.js";
import { useApp } from "../shell/context.js";
import { Confirm } from "../shell/dialog.js";
import { Field } from "../shell/field.js";
import { moment } from "../shell/format.js";
import { now } from "../shell/now.js";
import { secondsOf } from "../shell/seconds.js";

/** @param {{rule: import("./words.js").Rule, changed: () => Promise<void>, close: () => void}} props */
export function Silence({ rule, changed, close }) {
  const { api } = useApp();
  const long = useSignal("1 h");
  const seconds = secondsOf(long.value);

  async function silence() {
    const wanted = secondsOf(long.peek());
    if (!wanted) throw new Error("Say for how long, like 30 min, 2 h or 1 d.");
    await api.post(`/alert-rules/${rule.id}/silence`, { until: new Date(Date.now() + wanted * 1000).toISOString() });
    await changed();
  }

  return html`<${Confirm} title=${`Silence ${rule.name}?`} action="Silence" instead="Leave it on" run=${silence} close=${close}>
    <p>No alert of it opens meanwhile. Those that are open stay open.</p>
    <${Field} label="For" value=${long.value} set=${(/** @type {string} */ written) => (long.value = written)} hint=${seconds ? `Until ${moment(now.value + seconds * 1000)}.` : "Like 30 min, 2 h or 1 d."} />
  <//>`;
}
