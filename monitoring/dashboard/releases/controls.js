/** What a person may do with a release; each says what it will come to before it is done. */

import { html, useSignal } from "../view.js";
import { useApp } from "../shell/context.js";
import { Confirm } from "../shell/dialog.js";
import { consequence } from "./consequences.js";
import { failedWave, verbs } from "./states.js";

/**
 * @param {object} props
 * @param {import("./states.js").Release} props.release
 * @param {() => Promise<void>} props.changed reads it anew
 */
export function Controls({ release, changed }) {
  const { api, session } = useApp();
  const asked = useSignal(/** @type {import("./states.js").Verb | null} */ (null));
  const offered = verbs(release, session.can);

  /** @param {import("./states.js").Verb} verb */
  async function run(verb) {
    const body = verb === "resume" && failedWave(release) ? { ignore_failures: true } : undefined;
    await api.post(`/releases/${encodeURIComponent(release.id)}/${verb}`, body);
    await changed();
  }

  const said = asked.value && consequence(asked.value, release);
  return html`<div class="controls">
    ${offered.map((verb, index) => {
      const { label, grave } = consequence(verb, release);
      return html`<button key=${verb} type="button" class=${grave || index > 0 ? "secondary" : ""} onClick=${() => (asked.value = verb)}>${label}</button>`;
    })}
    ${said &&
    html`<${Confirm} title=${said.title} action=${said.label} instead=${said.instead} grave=${said.grave} run=${() => run(/** @type {any} */ (asked.peek()))} close=${() => (asked.value = null)}>
      ${said.sentences.map((sentence) => html`<p key=${sentence}>${sentence}</p>`)}
    <//>`}
  </div>`;
}
