/** How a device is to be set, how it says it is, where the two differ, and a way to change what is wanted. */

import { html, useEffect, useMemo, useSignal } from "../view.js";
import { createResource } from "../resource.js";
import { paramsOf } from "../actions/states.js";
import { useApp } from "../shell/context.js";
import { useAttempt } from "../shell/dialog.js";
import { ago, moment } from "../shell/format.js";
import { now } from "../shell/now.js";
import { Empty, Failure, Waiting } from "../shell/states.js";
import { members, shown } from "./members.js";

/** Without the live side a change is seen after this long. */
const LOOK_AGAIN_MS = 5_000;

/** @param {{uid: string}} props */
export function ConfigurationPanel({ uid }) {
  const { session } = useApp();
  const { configuration, error, read } = useConfiguration(uid);
  if (!configuration && error) return html`<${Failure} title="The configuration could not be read" error=${error} retry=${read} />`;
  if (!configuration) return html`<${Waiting}>Reading the configuration<//>`;
  const rows = members(configuration);
  const { drift, reported_at: at, version } = configuration;
  const drifting = Object.keys(drift ?? {}).length;
  return html`<div class=${session.can("devices:write") ? "beside" : ""} data-drift=${drift === null ? "unknown" : drifting} data-version=${version}>
    <section aria-label="Configuration">
      <p class="lead" role="status">
        ${drift === null ? "The device has not reported how it is set." : drifting === 0 ? html`<strong class="well">The device is set as it is to be.</strong>` : html`<strong class="unwell">${drifting === 1 ? "One member differs" : `${drifting} members differ`}.</strong>`}
        ${at && html` Reported <time datetime=${at} title=${moment(at)}>${ago(Date.parse(at), now.value)}</time>.`}
        ${configuration.action_id && html` Action ${configuration.action_id} sets it.`}
      </p>
      ${rows.length === 0
        ? html`<${Empty} title="Nothing is set yet"><p>${session.can("devices:write") ? "Say here how the device is to be set" : "Somebody who may change devices says how this one is to be set"}; it takes that over as soon as it is connected.</p><//>`
        : html`<div class="panel scrolls" tabindex="0" role="group" aria-label="Members"><table class="members">
            <caption class="hidden">Configuration, what differs first</caption>
            <thead><tr><th scope="col">Member</th><th scope="col">Desired</th><th scope="col">Reported</th></tr></thead>
            <tbody>
              ${rows.map(
                ({ name, desired, reported, drifts }) => html`<tr key=${name} data-member=${name} class=${drifts ? "drifts" : ""}>
                  <th scope="row">${name}${drifts && html` <span class="tag unwell">differs</span>`}</th>
                  <td><${Said} value=${desired} /></td><td><${Said} value=${reported} /></td>
                </tr>`,
              )}
            </tbody>
          </table></div>`}
    </section>
    ${session.can("devices:write") && html`<${Editor} uid=${uid} configuration=${configuration} changed=${read} />`}
  </div>`;
}

/** @param {{value: any}} props */
function Said({ value }) {
  return value === undefined ? html`<span class="none">–</span>` : html`<code>${shown(value)}</code>`;
}

/** Read when it is heard of, and now and then. @param {string} uid */
function useConfiguration(uid) {
  const { api, feed } = useApp();
  const resource = useMemo(() => {
    /** @type {import("../resource.js").Resource<import("./members.js").Configuration>} */
    const found = createResource(() => api.get(`/devices/${encodeURIComponent(uid)}/configuration`));
    return found;
  }, [api, uid]);
  const heard = feed.configurations.items.value.get(uid)?.version;
  useEffect(() => {
    resource.load();
    const timer = setInterval(() => {
      if (!document.hidden) resource.load();
    }, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [resource, heard]);
  return { configuration: resource.value.value, error: resource.error.value, read: resource.load };
}

/**
 * What a person writes stays, whatever others change meanwhile; that they did is said before it is overwritten.
 * @param {{uid: string, configuration: import("./members.js").Configuration, changed: () => Promise<void>}} props
 */
function Editor({ uid, configuration, changed }) {
  const { api } = useApp();
  /** What is written, and the version that it began with; null while nothing is. */
  const written = useSignal(/** @type {{text: string, version: number} | null} */ (null));
  const text = written.value?.text ?? JSON.stringify(configuration.desired, null, 2);
  const { busy, error, attempt } = useAttempt(async () => {
    await api.put(`/devices/${encodeURIComponent(uid)}/configuration`, { desired: paramsOf(text) }, configuration.version);
    await changed();
    written.value = null;
  });
  const overtaken = written.value !== null && written.value.version !== configuration.version && !busy;
  return html`<section class="panel upload" aria-labelledby="desired">
    <h2 id="desired">Desired configuration</h2>
    <form onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), attempt())}>
      <label>All of it, as JSON<textarea name="desired" rows="10" spellcheck=${false} value=${text} onInput=${(/** @type {any} */ event) => (written.value = { text: event.currentTarget.value, version: written.peek()?.version ?? configuration.version })}></textarea></label>
      <p class="none">A member that you take away is taken away on the device.</p>
      <div role="alert">
        ${error && html`<p class="notice alarm">${error.message}</p>`}
        ${overtaken && html`<p class="notice alarm">Somebody has changed it meanwhile: what is shown beside is new. What you have written takes its place when you save it. <button type="button" class="link" onClick=${() => (written.value = null)}>Begin from the new one</button></p>`}
      </div>
      <button type="submit" aria-busy=${busy} disabled=${busy}>Set the device</button>
    </form>
  </section>`;
}
