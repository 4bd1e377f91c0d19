/** What a wave's gate waits for, as a sentence: pure, the caller brings the time. */

import { duration, reading } from "../shell/format.js";

/**
 * @param {import("./states.js").Wave} wave
 * @param {{soak_s?: number, waves?: {soak_s?: number | null}[]}} document that the release was made from
 * @param {number} place of the wave among the release's, from 0
 * @param {number} now epoch milliseconds
 */
export function gateInWords(wave, document, place, now) {
  const soak = (document.waves?.[place]?.soak_s ?? document.soak_s ?? 0) * 1000;
  const soaks = soak > 0 ? `, then soaks for ${duration(soak)}` : "";
  const watches = wave.canary ? ", then is compared with devices that were not updated" : "";
  const terms = `passes at ${wave.success_threshold} % updated${soaks}${watches}; fails at ${wave.failure_threshold} % failed`;
  const { canary } = wave;
  if (wave.failed_at) return canary?.verdict === "failed" ? "failed: its devices are worse than others" : canary?.verdict ? "held back: the comparison with others says nothing certain" : `failed its gate: ${terms}`;
  if (wave.passed_at) return "has passed";
  if (wave.opened_at === null) return terms;
  if (wave.met_at === null) return terms;
  const left = Date.parse(wave.met_at) + soak - now;
  if (left > 0) return `met, soaks for another ${duration(left)}`;
  if (!canary?.ends_at || canary.verdict) return "met, passes within seconds";
  const watched = Date.parse(canary.ends_at) - now;
  return watched > 0 ? `met; its devices are compared with others for another ${duration(watched)}` : "met; the comparison with others is being judged";
}

/**
 * One figure of a canary: the mean with the update and without it, of alerts the part of the devices that had one.
 * @param {import("./states.js").Canary["figures"][number]} figure
 */
export function figureInWords({ metric, verdict, devices, mean, others, others_mean: othersMean }) {
  const said = (/** @type {number | null} */ value) => (value === null ? "unknown" : metric === null ? `${reading(100 * value)} %` : reading(value));
  return `${metric ?? "devices with alerts"}: ${said(mean)} with the update (${devices}), ${said(othersMean)} without (${others}): ${verdict}`;
}
