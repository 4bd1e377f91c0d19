/** When a device was there in the last week: how much of it, as a line of time, and the latest comings and goings. */

import { html, useEffect, useMemo } from "../view.js";
import { createResource } from "../resource.js";
import { useApp } from "../shell/context.js";
import { ago, duration, moment } from "../shell/format.js";
import { now } from "../shell/now.js";
import { segments } from "./segments.js";

const WEEK_MS = 7 * 86_400_000;
const INTERVALS = 500;
const SHOWN = 5;

/** @typedef {{online: boolean, since: string, until: string | null}} Interval */
/** @typedef {{from: string, to: string, known_from: string | null, percent: number | null, items: Interval[]}} History as `GET /presence/{uid}/history` answers, the newest interval first */

/** @param {{uid: string}} props */
export function Uptime({ uid }) {
  const { history, error, read } = useHistory(uid);
  return html`<section class="panel uptime" aria-labelledby="uptime" data-percent=${history?.percent}>
    <h2 id="uptime">The last week</h2>
    ${error && html`<p class="notice alarm" role="alert">${error.message} <button type="button" class="link" onClick=${read}>Try again</button></p>`}
    ${!history && !error && html`<p class="none" role="status">Reading when it was there</p>`}
    ${history && html`<${Line} history=${history} />`}
  </section>`;
}

/** @param {{history: History}} props */
function Line({ history }) {
  const { percent, items } = history;
  if (percent === null) return html`<p class="none">It has not connected yet.</p>`;
  const parts = segments(history);
  return html`
    <p><span class="value">${percent.toFixed(percent > 99 && percent < 100 ? 2 : 1)} %</span> of the time online${history.known_from && Date.parse(history.known_from) > Date.parse(history.from) + 60_000 ? `, since ${moment(history.known_from)}` : ""}</p>
    <svg viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label=${`Online ${percent.toFixed(1)} percent of the time`}>
      ${parts.map(({ from, width, online }) => html`<rect key=${from} class=${online ? "online" : "away"} x=${from} width=${width} height="10" />`)}
    </svg>
    <ol>
      ${items.slice(0, SHOWN).map(
        ({ online, since, until }) => html`<li key=${since}>
          <span>${online ? "Online" : "Away"} ${duration((until ? Date.parse(until) : now.value) - Date.parse(since))}</span>
          <time datetime=${since} title=${moment(since)}>${ago(Date.parse(since), now.value)}</time>
        </li>`,
      )}
    </ol>`;
}

/** Read when the page opens, and when the device comes or goes. @param {string} uid */
function useHistory(uid) {
  const { api, feed } = useApp();
  const resource = useMemo(() => {
    /** @type {import("../resource.js").Resource<History>} */
    const found = createResource(() => {
      const to = Date.now();
      const span = { from: new Date(to - WEEK_MS).toISOString(), to: new Date(to).toISOString(), limit: INTERVALS };
      return api.get(`/presence/${encodeURIComponent(uid)}/history`, span);
    });
    return found;
  }, [api, uid]);
  const heard = feed.device(uid).presence.value?.version;
  useEffect(() => void resource.load(), [resource, heard]);
  return { history: resource.value.value, error: resource.error.value, read: resource.load };
}
