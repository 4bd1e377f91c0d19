/** A device's updates: the one under way step by step, those of the past, and a new one. */

import { html, useRef, useSignal } from "../view.js";
import { useApp } from "../shell/context.js";
import { Waiting } from "../shell/states.js";
import { ChooseFirmware } from "./choose-firmware.js";
import { CurrentUpdate } from "./current-update.js";
import { PastUpdates } from "./past-updates.js";
import { useSessions } from "./sessions.js";
import { isOpen, runningVersion, stateAndProgress } from "./states.js";
import { WhyNot } from "./why-not.js";

/** @param {{device: import("../fleet/inventory.js").Device}} props */
export function UpdatesPanel({ device }) {
  const { feed, session: person } = useApp();
  const uid = device.device_uid;
  const { list, sessions } = useSessions(uid);
  const choosing = useSignal(false);
  const running = runningVersion(device, feed.device(uid).installed.value);
  const [newest] = sessions;

  // An update that was watched to its end stays where it was watched.
  const watched = useRef(/** @type {string | null} */ (null));
  if (newest && isOpen(newest.state)) watched.current = newest.session_id;
  const current = newest && newest.session_id === watched.current ? newest : null;
  const past = current ? sessions.slice(1) : sessions;

  const ready = list.phase.value === "ready";
  const failure = list.error.value;
  return html`<section class="panel updates" aria-labelledby="updates" data-state=${newest?.state} data-progress=${newest?.progress}>
    <div class="section-head">
      <h2 id="updates">Updates</h2>
      <p class="runs">${running ? html`Runs <span class="value">${running}</span>` : "What it runs is not known yet"}</p>
      ${person.can("updates:write") &&
      html`<button type="button" class="small" disabled=${!ready || isOpen(newest?.state)} onClick=${() => (choosing.value = true)}>Update</button>`}
    </div>
    ${failure &&
    html`<p class="notice alarm" role="alert">
      The updates could not be read. ${failure.message} <button type="button" class="link" onClick=${list.load}>Try again</button>
    </p>`}
    ${!ready && !failure && html`<${Waiting}>Reading the updates<//>`}
    <p class="hidden" role="status">${current && `Update to ${current.firmware_version}: ${stateAndProgress({ ...current, progress: null })}`}</p>
    ${current && html`<${CurrentUpdate} key=${current.session_id} session=${current} changed=${list.load} />`}
    ${ready && html`<${PastUpdates} sessions=${past} list=${list} any=${sessions.length > 0} />`}
    <${WhyNot} uid=${uid} />
    ${choosing.value &&
    html`<${ChooseFirmware} device=${device} running=${running} close=${() => (choosing.value = false)} started=${list.load} />`}
  </section>`;
}
