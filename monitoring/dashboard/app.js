/** The dashboard's table of contents: its parts, wired once, and its pages, by name. */

import { createApi } from "./rest.js";
import { createSession } from "./auth/session.js";
import { SignIn } from "./auth/sign-in.js";
import { DevicePage } from "./device/device-page.js";
import { FleetPage } from "./fleet/fleet-page.js";
import { createInventory } from "./fleet/inventory.js";
import { FirmwarePage } from "./firmware/firmware-page.js";
import { createLibrary } from "./firmware/library.js";
import { createConnection } from "./live/connection.js";
import { createFeed } from "./live/feed.js";
import { AppContext } from "./shell/context.js";
import { LostPage } from "./shell/lost-page.js";
import { createRouter } from "./shell/router.js";
import { Shell } from "./shell/shell.js";
import { Failure, Waiting } from "./shell/states.js";
import { effect, html, render, useEffect, useSignal } from "./view.js";

const session = createSession();
const api = createApi(session);
const feed = createFeed();
const connection = createConnection({ session, feed });
const inventory = createInventory(api);
const library = createLibrary(api);
const route = createRouter();

effect(() => {
  if (session.phase.value !== "out") return;
  feed.clear();
  inventory.clear();
  library.clear();
});

function Page() {
  const { value } = route;
  if (value.page === "fleet") return html`<${FleetPage} />`;
  if (value.page === "device") return html`<${DevicePage} key=${value.uid} uid=${value.uid} minutes=${value.minutes} until=${value.until} />`;
  if (value.page === "firmware") return html`<${FirmwarePage} />`;
  return html`<${LostPage} />`;
}

function Dashboard() {
  const failure = useSignal(/** @type {Error | null} */ (null));

  async function resume() {
    failure.value = null;
    await session.resume().catch((error) => {
      failure.value = error;
    });
  }
  useEffect(() => void resume(), []);

  if (session.phase.value === "in") return html`<${Shell}><${Page} /><//>`;
  if (session.phase.value === "out") return html`<${SignIn} />`;
  return html`<main class="threshold">
    ${failure.value
      ? html`<${Failure} title="Muster does not answer" error=${failure.value} retry=${resume} />`
      : html`<${Waiting}>Going on with your session<//>`}
  </main>`;
}

render(
  html`<${AppContext.Provider} value=${{ session, api, feed, connection, inventory, library, route }}><${Dashboard} /><//>`,
  /** @type {HTMLElement} */ (document.getElementById("app")),
);
