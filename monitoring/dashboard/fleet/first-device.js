/** An empty fleet: how to get its first devices. It looks again by itself. */

import { html } from "../view.js";
import { useAgain } from "../again.js";

const LOOK_AGAIN_MS = 5_000;

/** @param {{load: () => void}} props `load` reads the list again */
export function FirstDevice({ load }) {
  useAgain(load, LOOK_AGAIN_MS);
  return html`<section class="first-device">
    <h2>No device has reported for duty</h2>
    <p>This page looks again by itself and fills as soon as a device is registered.</p>
    <ol>
      <li>
        <h3>Try it with a simulated fleet</h3>
        <pre tabindex="0"><code>muster simulate --devices 25</code></pre>
        <p>Twenty-five devices register, log in to the broker with tokens of their own and report every second.</p>
      </li>
      <li>
        <h3>Or register one of yours</h3>
        <pre tabindex="0"><code>muster devices register greenhouse-1 --name "Greenhouse 1" --type sensor</code></pre>
        <pre tabindex="0"><code>muster devices token greenhouse-1</code></pre>
        <p>With that token as password, and its uid as user name and client id, it publishes over MQTT to <code>devices/greenhouse-1/telemetry</code>.</p>
      </li>
    </ol>
  </section>`;
}
