/** What happened to a release, and who did it. */

import { html } from "../view.js";
import { useApp } from "../shell/context.js";
import { ago, moment } from "../shell/format.js";
import { now } from "../shell/now.js";
import { word } from "./states.js";

/**
 * @typedef {object} Change
 * @property {number} version
 * @property {string} what
 * @property {string} state
 * @property {string | null} wave its slug
 * @property {string | null} detail
 * @property {string} by `person <id>` or `platform`
 * @property {string} at RFC 3339
 */

/** @param {{changes: Change[], waves: import("./states.js").Wave[]}} props */
export function History({ changes, waves }) {
  const { session } = useApp();
  const names = new Map(waves.map(({ id, name }) => [id, name]));
  const me = `person ${session.person.value?.id}`;
  return html`<section class="panel history" aria-labelledby="history-title">
    <h2 id="history-title">History</h2>
    <ol>
      ${changes.toReversed().map(
        ({ version, what, wave, detail, by, at }) => html`<li key=${version} data-what=${what}>
          <span><strong>${word(what)}</strong>${wave && html` ${names.get(`wave:${wave}`) ?? wave}`}${detail && html` <small>${detail}</small>`}</span>
          <span class="by">${by === me ? "you" : by}</span>
          <time datetime=${at} title=${moment(at)}>${ago(Date.parse(at), now.value)}</time>
        </li>`,
      )}
    </ol>
  </section>`;
}
