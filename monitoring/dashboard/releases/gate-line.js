/** What a wave's gate waits for, and how its devices compare with others. */

import { html } from "../view.js";
import { asSentence } from "../problem.js";
import { now } from "../shell/now.js";
import { figureInWords, gateInWords } from "./gate.js";

/** @param {{wave: import("./states.js").Wave, document: Record<string, any>, place: number}} props `place` is the wave's, from 0 */
export function Gate({ wave, document, place }) {
  const { canary } = wave;
  return html`<small class="wave-gate">${gateInWords(wave, document, place, now.value)}</small>
    ${canary?.verdict &&
    html`<div class="canary" data-verdict=${canary.verdict}>
      <small>Canary: ${canary.verdict}${canary.waived && ", waived"}. ${canary.detail && asSentence(canary.detail)}</small>
      ${canary.figures.map((figure) => html`<small key=${figure.metric}>${figureInWords(figure)}</small>`)}
    </div>`}`;
}
