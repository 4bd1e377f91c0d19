/** One alert: what opened it, how it stands, and what people have said of it. */

import { html, useMemo, useSignal } from "../view.js";
import { createResource } from "../resource.js";
import { DeviceLink } from "../fleet/device-link.js";
import { useKept } from "../live/kept.js";
import { useNews } from "../live/news.js";
import { releaseHref } from "../releases/address.js";
import { ApiError } from "../rest.js";
import { useApp } from "../shell/context.js";
import { Confirm, useAttempt } from "../shell/dialog.js";
import { Lines } from "../shell/field.js";
import { ago, moment } from "../shell/format.js";
import { Heading } from "../shell/heading.js";
import { now } from "../shell/now.js";
import { Empty, Failure, Waiting } from "../shell/states.js";
import { alertsHref } from "./address.js";
import { causeInWords, standingInWords } from "./words.js";

/** @typedef {import("./words.js").Alert & {comments: {by: string, text: string, at: string}[]}} Detail as `GET /alerts/{id}` answers */

/** @param {{id: string}} props */
export function AlertPage({ id }) {
  const { api, feed } = useApp();
  const resource = useMemo(() => {
    /** @type {import("../resource.js").Resource<Detail>} */
    const found = createResource(() => api.get(`/alerts/${encodeURIComponent(id)}`));
    return found;
  }, [api, id]);
  useNews(["alerts", "presence"]);
  const alert = resource.value.value;
  useKept(resource.load, feed.alerts.items.value.get(id)?.version, alert?.state !== "cleared");

  const failure = resource.error.value;
  if (!alert && failure instanceof ApiError && (failure.status === 404 || failure.status === 422)) {
    return html`<${Heading} title="No such alert" /><${Empty} title="There is no such alert"><p><a href=${alertsHref()}>See the open alerts</a></p><//>`;
  }
  if (!alert && failure) return html`<${Heading} title="Alert" /><${Failure} title="The alert could not be read" error=${failure} retry=${resource.load} />`;
  if (!alert) return html`<${Heading} title="Alert" /><${Waiting}>Reading the alert<//>`;
  return html`
    <p class="trail"><a href=${alertsHref()}>Alerts</a></p>
    <div class="page-head">
      <${Heading} title=${alert.rule_name} />
      <span class=${`severity ${alert.severity}`}>${alert.severity}</span>
      <${Controls} alert=${alert} changed=${resource.load} />
    </div>
    ${failure && html`<p class="notice alarm" role="alert">${failure.message} What you see may be old.</p>`}
    <div class="alert-body">
      <${Facts} alert=${alert} />
      <${Comments} alert=${alert} changed=${resource.load} />
    </div>
  `;
}

/** @param {{alert: Detail}} props */
function Facts({ alert }) {
  const opened = Date.parse(alert.opened_at);
  return html`<section class="panel alert-facts" aria-label="Facts" data-alert=${alert.id} data-state=${alert.state} data-acknowledged=${String(alert.acknowledged_at !== null)}>
    <dl>
      <dt>Device</dt><dd><${DeviceLink} uid=${alert.device_uid} /></dd>
      <dt>Because</dt><dd>${causeInWords(alert)}</dd>
      <dt>State</dt><dd>${standingInWords(alert)}</dd>
      <dt>Opened</dt><dd><time datetime=${alert.opened_at}>${moment(opened)}</time>, ${ago(opened, now.value)}</dd>
      ${alert.acknowledged_at && html`<dt>Acknowledged</dt><dd>${moment(alert.acknowledged_at)}${alert.acknowledged_by && html` by <${Who} by=${alert.acknowledged_by} />`}</dd>`}
      ${alert.cleared_by && html`<dt>Cleared by</dt><dd><${Who} by=${alert.cleared_by} /></dd>`}
      ${alert.release && html`<dt>During the release</dt><dd><a href=${releaseHref(alert.release, alert.device_uid)}>${alert.release}</a></dd>`}
      <dt>Rule</dt><dd><a href=${alertsHref({ state: "all", rule: alert.rule_id })}>All alerts of this rule</a></dd>
      <dt>History</dt><dd><a href=${alertsHref({ state: "all", device: alert.device_uid })}>All alerts of this device</a></dd>
    </dl>
  </section>`;
}

/** A person, as the platform names them. @param {{by: string}} props */
function Who({ by }) {
  const { session } = useApp();
  return by.replace(/^person /, "") === String(session.person.value?.id) ? "you" : /^\d+$/.test(by) ? `person ${by}` : by;
}

/** @param {{alert: Detail, changed: () => Promise<void>}} props */
function Controls({ alert, changed }) {
  const { api, session } = useApp();
  const clearing = useSignal(false);
  const { busy, error, attempt } = useAttempt(async () => {
    await api.post(`/alerts/${alert.id}/acknowledge`);
    await changed();
  });
  if (!session.can("alerts:write") || alert.state === "cleared") return null;

  async function clear() {
    await api.post(`/alerts/${alert.id}/clear`);
    await changed();
  }

  return html`<div class="controls">
    ${!alert.acknowledged_at && html`<button type="button" aria-busy=${busy} onClick=${attempt}>Acknowledge</button>`}
    <button type="button" class="secondary" onClick=${() => (clearing.value = true)}>Clear</button>
    ${error && html`<p class="notice alarm" role="alert">${error.message}</p>`}
    ${clearing.value &&
    html`<${Confirm} title=${`Clear ${alert.rule_name}?`} action="Clear" instead="Keep it open" run=${clear} close=${() => (clearing.value = false)}>
      <p>It ends although its cause may last. A new one opens only after the cause was gone in between.</p>
    <//>`}
  </div>`;
}

/** @param {{alert: Detail, changed: () => Promise<void>}} props */
function Comments({ alert, changed }) {
  const { api, session } = useApp();
  const text = useSignal("");
  const { busy, error, attempt } = useAttempt(async () => {
    if (text.peek().trim() === "") throw new Error("Write something first.");
    await api.post(`/alerts/${alert.id}/comments`, { text: text.peek().trim() });
    text.value = "";
    await changed();
  });

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    attempt();
  }

  return html`<section class="panel comments" aria-labelledby="comments-title">
    <h2 id="comments-title">Comments</h2>
    ${alert.comments.length === 0 && html`<p class="none">Nobody has said anything yet.</p>`}
    <ol>
      ${alert.comments.map(
        ({ by, text: said, at }) => html`<li key=${at}>
          <p><strong><${Who} by=${by} /></strong> <time datetime=${at} title=${moment(at)}>${ago(Date.parse(at), now.value)}</time></p>
          <p class="said">${said}</p>
        </li>`,
      )}
    </ol>
    ${session.can("alerts:write") &&
    html`<form onSubmit=${submit}>
      <${Lines} label="Comment" value=${text.value} set=${(/** @type {string} */ said) => (text.value = said)} maxlength="2000" error=${error?.message} />
      <button type="submit" class="secondary" aria-busy=${busy}>Comment</button>
    </form>`}
  </section>`;
}
