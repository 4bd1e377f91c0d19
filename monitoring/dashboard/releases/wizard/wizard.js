/** A new release, step by step; nothing is written before the last one, and what was said is kept meanwhile. */

import { html, useEffect, useMemo, useRef, useSignal } from "../../view.js";
import { createOnce } from "../../once.js";
import { useApp } from "../../shell/context.js";
import { useAttempt } from "../../shell/dialog.js";
import { Heading } from "../../shell/heading.js";
import { RELEASES_HREF, releaseHref } from "../address.js";
import { many } from "../states.js";
import { documentOf, faultsOf, STEPS } from "./draft.js";
import { keptDraft } from "./kept-draft.js";
import { usePreview } from "./preview.js";
import { Refused, StepCheck } from "./step-check.js";
import { StepDevices } from "./step-devices.js";
import { StepFirmware } from "./step-firmware.js";
import { StepRules } from "./step-rules.js";
import { StepWaves } from "./step-waves.js";

/**
 * @typedef {object} StepProps
 * @property {import("./draft.js").Draft} draft
 * @property {(changed: Partial<import("./draft.js").Draft>) => void} set
 * @property {(field: string) => string | null} fault what is wrong with a field, once the person has tried to go on
 * @property {ReturnType<typeof usePreview>} preview
 * @property {(step: import("./draft.js").Step) => void} go
 */

const TITLES = { firmware: "Firmware", devices: "Devices", waves: "Waves", rules: "Rules", check: "Check" };
const VIEWS = { firmware: StepFirmware, devices: StepDevices, waves: StepWaves, rules: StepRules, check: StepCheck };

/** @param {{firmware: number | null}} props `firmware` is the id of one that the release is to begin with */
export function Wizard({ firmware }) {
  const { api, session } = useApp();
  const kept = useMemo(() => keptDraft(String(session.person.peek()?.id)), []);
  useEffect(() => kept.stop, []);
  useEffect(() => {
    if (firmware !== null) set({ apps: [{ id: firmware, floor: "" }] });
  }, [firmware]);
  const step = useSignal(/** @type {import("./draft.js").Step} */ ("firmware"));
  const tried = useSignal(/** @type {ReadonlySet<string>} */ (new Set()));
  const title = useRef(/** @type {HTMLElement | null} */ (null));
  const once = useMemo(createOnce, []);
  const draft = kept.draft.value;
  const drawUp = useAttempt(() => create(false));
  const drawUpAndStart = useAttempt(() => create(true));
  const busy = drawUp.busy || drawUpAndStart.busy;
  const preview = usePreview(draft, busy);
  const faults = faultsOf(draft);
  const place = STEPS.indexOf(step.value);

  /** @param {Partial<import("./draft.js").Draft>} changed */
  const set = (changed) => (kept.draft.value = { ...kept.draft.peek(), ...changed });

  /** @param {import("./draft.js").Step} next */
  function go(next) {
    step.value = next;
    title.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }

  /** @returns {boolean} whether the steps up to here leave nothing to mend; else the first that does is shown */
  function mended() {
    tried.value = new Set([...tried.peek(), ...STEPS.slice(0, place + 1)]);
    const first = faultsOf(kept.draft.peek()).find((fault) => STEPS.indexOf(fault.step) <= place);
    if (first && first.step !== step.peek()) go(first.step);
    return first === undefined;
  }

  /** @param {Event} event */
  function next(event) {
    event.preventDefault();
    if (mended() && place < STEPS.length - 1) go(STEPS[place + 1]);
  }

  /** @param {boolean} started one that cannot be started stays a draft, whose page tells why */
  async function create(started) {
    const document = documentOf(kept.draft.peek());
    const { id, slug } = await api.post("/releases", document, { once: once(document) });
    kept.forget();
    if (started) await api.post(`/releases/${encodeURIComponent(id)}/start`).catch(() => null);
    location.hash = releaseHref(slug);
  }

  const failure = drawUp.error ?? drawUpAndStart.error;
  const fault = (/** @type {string} */ field) => (tried.value.has(step.value) ? (faults.find((each) => each.step === step.value && each.field === field)?.message ?? null) : null);

  return html`
    <p class="trail"><a href=${RELEASES_HREF}>Releases</a></p>
    <${Heading} title="New release" />
    <div class="wizard">
      <${Steps} step=${step.value} faults=${faults} tried=${tried.value} go=${go} />
      <form class="panel wizard-step" noValidate onSubmit=${next}>
        <h2 tabindex="-1" ref=${title}>${TITLES[step.value]}</h2>
        <${VIEWS[step.value]} draft=${draft} set=${set} fault=${fault} preview=${preview} go=${go} />
        ${failure && step.value === "check" && html`<${Refused} error=${failure} go=${go} again=${drawUp.attempt} />`}
        <div class="answers">
          <p class="so-far" role="status">${soFar(preview, step.value)}</p>
          ${place > 0 && html`<button type="button" class="secondary" onClick=${() => go(STEPS[place - 1])}>Back</button>`}
          ${step.value !== "check" && html`<button type="submit">Next</button>`}
          ${step.value === "check" && html`<${End} draft=${draft} busy=${busy} drawUp=${() => mended() && drawUp.attempt()} start=${() => mended() && drawUpAndStart.attempt()} />`}
        </div>
      </form>
    </div>
  `;
}

/**
 * @param {object} props
 * @param {import("./draft.js").Draft} props.draft
 * @param {boolean} props.busy
 * @param {() => void} props.drawUp
 * @param {() => void} props.start
 */
function End({ draft, busy, drawUp, start }) {
  return html`
    <button type="button" class=${draft.approval ? "" : "secondary"} disabled=${busy} aria-busy=${busy} onClick=${drawUp}>Create as a draft</button>
    ${!draft.approval && html`<button type="button" disabled=${busy} aria-busy=${busy} onClick=${start}>${draft.startAt ? "Create and schedule" : "Create and start"}</button>`}
  `;
}

/**
 * @param {object} props
 * @param {import("./draft.js").Step} props.step
 * @param {import("./draft.js").Fault[]} props.faults
 * @param {ReadonlySet<string>} props.tried
 * @param {(step: import("./draft.js").Step) => void} props.go
 */
function Steps({ step, faults, tried, go }) {
  return html`<ol class="wizard-steps" aria-label="Steps">
    ${STEPS.map((each, index) => {
      const unwell = tried.has(each) && faults.some((fault) => fault.step === each);
      return html`<li key=${each}>
        <button type="button" aria-current=${each === step ? "step" : undefined} class=${unwell ? "unwell" : ""} onClick=${() => go(each)}>
          <span class="number" aria-hidden="true">${index + 1}</span>${TITLES[each]}${unwell && html`<span class="hidden">, something is missing</span>`}
        </button>
      </li>`;
    })}
  </ol>`;
}

/** @param {ReturnType<typeof usePreview>} preview @param {import("./draft.js").Step} step */
function soFar({ dryRun, asking, error }, step) {
  if (step === "check") return "";
  if (asking) return "Counting";
  if (error) return error.message;
  return dryRun ? `${many(dryRun.devices)} in ${many(dryRun.waves.length, "wave")}` : "";
}
