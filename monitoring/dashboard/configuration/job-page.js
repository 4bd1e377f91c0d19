/** A job that sets many devices alike: how far it is, each device's outcome, and what can be done about it. */

import { html, useEffect, useMemo, useSignal } from "../view.js";
import { DeviceLink } from "../fleet/device-link.js";
import { createListing } from "../listing.js";
import { useWholeFleet } from "../live/whole-fleet.js";
import { useApp } from "../shell/context.js";
import { useAttempt } from "../shell/dialog.js";
import { moment } from "../shell/format.js";
import { Heading } from "../shell/heading.js";
import { Icon } from "../shell/icons.js";
import { href } from "../shell/router.js";
import { Empty, Failure, Waiting } from "../shell/states.js";
import { Tally } from "../shell/tally.js";

const LOOK_AGAIN_MS = 3_000;
const VERBS = /** @type {Record<string, string[]>} */ ({ running: ["pause", "cancel"], paused: ["resume", "cancel"], completed: ["retry"], cancelled: ["retry"] });

/** @param {{parts: string[]}} props */
export function JobPage({ parts: [id = ""] }) {
  useWholeFleet();
  const { job, error, list, read } = useJob(id);
  if (!job && error?.status === 404) return html`<${Heading} title="Configuration" /><${Empty} title="No such job"><p>It may be long gone. <a href=${href("fleet")}>Go to the fleet</a></p><//>`;
  if (!job && error) return html`<${Heading} title="Configuration" /><${Failure} title="The job could not be read" error=${error} retry=${read} />`;
  if (!job) return html`<${Heading} title="Configuration" /><${Waiting}>Reading the job<//>`;
  const failure = error ?? list.error.value;
  return html`
    <p class="way"><a href=${href("fleet")}><${Icon} name="back" />Fleet</a></p>
    <div class="device-head"><${Heading} title=${`Configuration: ${job.total} ${job.total === 1 ? "device" : "devices"}`} /><span class="state-word ${job.state}">${job.state}</span><${Verbs} job=${job} changed=${read} /></div>
    <p class="lead">Sets <code>${JSON.stringify(job.params)}</code>, since <time datetime=${job.requested_at}>${moment(job.requested_at)}</time></p>
    ${failure && html`<p class="notice alarm" role="alert">${failure.message} What you see may be old. <button type="button" class="link" onClick=${read}>Try again</button></p>`}
    <${Tally} counts=${job.counts} total=${job.total} />
    <ul class="panel action-list" aria-label="Outcome of each device">
      ${list.items.value.map(
        (item) => html`<li key=${item.name} data-device=${item.name} data-state=${item.state}>
          <span class=${`outcome ${item.state === "succeeded" ? "completed" : item.state}`}>${item.state}</span>
          <span class="what"><${DeviceLink} uid=${item.name} /></span>
          ${item.reason && html`<p class="reason">${item.reason}</p>`}
        </li>`,
      )}
    </ul>
    ${list.next.value && html`<p class="more"><button type="button" class="secondary small" disabled=${list.reading.value} onClick=${list.more}>Show more devices</button></p>`}
  `;
}

/** @param {{job: any, changed: () => void}} props */
function Verbs({ job, changed }) {
  const { api, session } = useApp();
  const verb = useSignal("");
  const { busy, error, attempt } = useAttempt(async () => {
    await api.post(`/configuration/jobs/${encodeURIComponent(job.id)}/${verb.peek()}`);
    changed();
  });
  const offered = (VERBS[job.state] ?? []).filter((one) => one !== "retry" || (job.counts.failed ?? 0) > 0);
  if (!session.can("devices:write")) return null;
  return html`<span class="verbs">
    ${offered.map((one) => html`<button key=${one} type="button" class="small secondary" disabled=${busy} onClick=${() => ((verb.value = one), attempt())}>${one === "retry" ? "Try the failed again" : one.charAt(0).toUpperCase() + one.slice(1)}</button>`)}
    ${error && html`<span class="unwell" role="alert">${error.message}</span>`}
  </span>`;
}

/** The job and its devices, read again while it goes on and when it is heard of. @param {string} id */
function useJob(id) {
  const { api, feed } = useApp();
  const job = useSignal(/** @type {any} */ (null));
  const error = useSignal(/** @type {(Error & {status?: number}) | null} */ (null));
  const list = useMemo(() => {
    /** @type {import("../listing.js").Listing<{name: string, state: string, reason: string | null}>} */
    const listing = createListing(api, `/configuration/jobs/${encodeURIComponent(id)}/items`);
    return listing;
  }, [id]);

  async function read() {
    try {
      const [found] = await Promise.all([api.get(`/configuration/jobs/${encodeURIComponent(id)}`), list.load()]);
      job.value = found;
      error.value = null;
    } catch (failure) {
      error.value = /** @type {Error} */ (failure);
    }
  }
  const heard = feed.jobs.items.value.get(id)?.version;
  useEffect(() => {
    read();
    const timer = setInterval(() => {
      if (!document.hidden && job.peek()?.state === "running") read();
    }, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [id, heard]);
  return { job: job.value, error: error.value, list, read };
}
