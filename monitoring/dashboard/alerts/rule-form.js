/** A rule made or changed, with how many devices it looks at before it is saved. */

import { html, useMemo, useSignal } from "../view.js";
import { createOnce } from "../once.js";
import { SelectionField } from "../releases/selection-field.js";
import { many } from "../releases/states.js";
import { ApiError } from "../rest.js";
import { useApp } from "../shell/context.js";
import { Dialog, useAttempt } from "../shell/dialog.js";
import { Check, Field, Select } from "../shell/field.js";
import { MAX_METRIC_NAME } from "../shell/metric-name.js";
import { bodyOf, faultsOf, formOf, waits } from "./rule.js";
import { conditionInWords, SEVERITIES } from "./words.js";

/** @typedef {import("./rule.js").Form} Form */

const KINDS = /** @type {[string, string][]} */ ([
  ["threshold", "a metric is out of its limits"],
  ["rate", "a metric changes too fast"],
  ["missing", "a device is silent"],
  ["presence", "a device is away"],
]);

/**
 * @param {object} props
 * @param {import("./words.js").Rule | null} props.rule null for a new one
 * @param {() => Promise<void>} props.changed
 * @param {() => void} props.close
 */
export function RuleForm({ rule, changed, close }) {
  const { api } = useApp();
  const form = useSignal(formOf(rule));
  const tried = useSignal(false);
  const devices = useSignal(/** @type {number | null} */ (null));
  const once = useMemo(createOnce, []);

  /** @param {Partial<Form>} said */
  function set(said) {
    form.value = { ...form.peek(), ...said };
    if ("selection" in said) devices.value = null;
  }

  const counting = useAttempt(async () => {
    devices.value = (await api.post("/alert-rules", { ...bodyOf({ ...form.peek(), name: form.peek().name.trim() || "preview" }) }, { query: { dry_run: true } })).devices;
  });
  const saving = useAttempt(async () => {
    const body = bodyOf(form.peek());
    if (rule) await api.patch(`/alert-rules/${rule.id}`, body, rule.version);
    else await api.post("/alert-rules", body, { once: once(body) });
    await changed();
    close();
  });

  /** @param {Partial<Record<string, string>>} faults @param {() => Promise<void>} run */
  function unlessWrong(faults, run) {
    tried.value = true;
    if (Object.keys(faults).length === 0) run();
  }

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    unlessWrong(faultsOf(form.peek()), saving.attempt);
  }

  const { name, severity, selection, enabled } = form.value;
  const faults = tried.value ? faultsOf(form.value) : {};
  const error = Object.keys(faults).length > 0 ? null : (saving.error ?? counting.error);
  return html`<${Dialog} title=${rule ? `Edit ${rule.name}` : "New rule"} close=${close}>
    <form class="rule-form" noValidate onSubmit=${submit}>
      <div class="fields two">
        <${Field} label="Name" value=${name} set=${(/** @type {string} */ said) => set({ name: said })} maxlength="200" placeholder="Too warm" error=${faults.name} />
        <${Select} label="Severity" value=${severity} set=${(/** @type {any} */ said) => set({ severity: said })} options=${SEVERITIES.map((each) => [each, each])} />
      </div>
      <${Condition} form=${form.value} set=${set} faults=${faults} />
      <fieldset>
        <legend>Looks at</legend>
        <${SelectionField} value=${selection} set=${(/** @type {any} */ said) => set({ selection: { ...selection, ...said } })} kinds=${["all", "group", "rql", "named"]} error=${faults.selection} />
      </fieldset>
      <p class="counted" role="status">
        <button type="button" class="secondary small" aria-busy=${counting.busy} onClick=${() => unlessWrong({ ...faultsOf({ ...form.peek(), name: "preview" }) }, counting.attempt)}>Count the devices</button>
        ${devices.value !== null && html`<span data-devices=${devices.value}>It looks at ${many(devices.value)} now.</span>`}
      </p>
      <${Check} label="Enabled" value=${enabled} set=${(/** @type {boolean} */ said) => set({ enabled: said })} />
      <div role="alert">${error && html`<p class="notice alarm">${explained(error)}</p>`}</div>
      <div class="answers">
        <button type="button" class="secondary" onClick=${close}>Not now</button>
        <button type="submit" aria-busy=${saving.busy} disabled=${saving.busy}>${rule ? "Save" : "Create"}</button>
      </div>
    </form>
  <//>`;
}

/** @param {{form: Form, set: (said: Partial<Form>) => void, faults: Partial<Record<string, string>>}} props */
function Condition({ form, set, faults }) {
  const { kind, metric, above, below, clearAt, window, silence, lasting } = form;
  const field = (/** @type {keyof Form} */ name) => (/** @type {string} */ said) => set({ [name]: said });
  return html`<fieldset>
    <legend class="hidden">Condition</legend>
    <${Select} label="Alerts when" value=${kind} set=${(/** @type {any} */ said) => set({ kind: said })} options=${KINDS} />
    <div class="fields two">
      ${kind !== "presence" && html`<${Field} label="Metric" value=${metric} set=${field("metric")} placeholder=${kind === "missing" ? "any" : "temperature"} maxlength=${MAX_METRIC_NAME} error=${faults.metric} />`}
      ${kind === "rate" && html`<${Field} label="Within" value=${window} set=${field("window")} hint="The newest value less the oldest." error=${faults.window} />`}
      ${waits(kind) &&
      html`<${Field} label=${kind === "rate" ? "By more than" : "Above"} value=${above} set=${field("above")} inputmode="decimal" placeholder="any" error=${faults.above} />
        <${Field} label=${kind === "rate" ? "By less than" : "Below"} value=${below} set=${field("below")} inputmode="decimal" placeholder="any" error=${faults.below} />
        <${Field} label="Clears at" value=${clearAt} set=${field("clearAt")} inputmode="decimal" placeholder="the limit" hint="On the good side of it: keeps an alert from flickering." error=${faults.clearAt} />
        <${Field} label="If it lasts for" value=${lasting} set=${field("lasting")} placeholder="at once" error=${faults.lasting} />`}
      ${!waits(kind) && html`<${Field} label="For" value=${silence} set=${field("silence")} error=${faults.silence} />`}
    </div>
    ${Object.keys(faultsOf({ ...form, name: "rule", selection: { ...form.selection, kind: "all" } })).length === 0 && html`<p class="said" role="status">Alerts on: ${conditionInWords(bodyOf(form).condition, bodyOf(form).for_s)}.</p>`}
  </fieldset>`;
}

/** @param {Error} error */
function explained(error) {
  if (!(error instanceof ApiError)) return error.message;
  if (error.status === 412) return "Somebody else has changed this rule meanwhile. Close this, look at it, and change it again.";
  return error.places.length > 0 ? error.places.map(({ message }) => `${message}.`).join(" ") : error.message;
}
