/** What a wave's gate waits for, as a sentence: pure, the caller brings the time. */

import { duration } from "../shell/format.js";

/**
 * @param {import("./states.js").Wave} wave
 * @param {{soak_s?: number, waves?: {soak_s?: number | null}[]}} document that the release was made from
 * @param {number} place of the wave among the release's, from 0
 * @param {number} now epoch milliseconds
 */
export function gateInWords(wave, document, place, now) {
  const soak = (document.waves?.[place]?.soak_s ?? document.soak_s ?? 0) * 1000;
  const soaks = soak > 0 ? `, then soaks for ${duration(soak)}` : "";
  const terms = `passes at ${wave.success_threshold} % updated${soaks}; fails at ${wave.failure_threshold} % failed`;
  if (wave.failed_at) return `failed its gate: ${terms}`;
  if (wave.passed_at) return "has passed";
  if (wave.opened_at === null) return terms;
  if (wave.met_at === null) return terms;
  const left = Date.parse(wave.met_at) + soak - now;
  return left > 0 ? `met, soaks for another ${duration(left)}` : "met, passes within seconds";
}
