/** The dashboard's table of contents: its parts, wired once. Its pages are in `pages.js`. */

import { createApi } from "./rest.js";
import { createSession } from "./auth/session.js";
import { SignIn } from "./auth/sign-in.js";
import { createInventory } from "./fleet/inventory.js";
import { createNames } from "./fleet/names.js";
import { createLibrary } from "./firmware/library.js";
import { createConnection } from "./live/connection.js";
import { createFeed } from "./live/feed.js";
import { PAGES } from "./pages.js";
import { AppContext } from "./shell/context.js";
import { ClosedPage, LostPage } from "./shell/lost-page.js";
import { createRouter } from "./shell/router.js";
import { Shell } from "./shell/shell.js";
import { Failure, Waiting } from "./shell/states.js";
import { effect, html, render, useEffect, useSignal } from "./view.js";

const session = createSession();
const api = createApi(session);
const feed = createFeed();
const connection = createConnection({ session, feed });
const inventory = createInventory(api);
const names = createNames(api);
const library = createLibrary(api);
const route = createRouter();

effect(() => {
  if (session.phase.value !== "out") return;
  feed.clear();
  inventory.clear();
  names.clear();
  library.clear();
});

function Page() {
  const { page, parts, query } = route.value;
  const found = PAGES.find(({ path }) => path === page);
  if (!found) return html`<${LostPage} />`;
  if (found.scope && !session.can(found.scope)) return html`<${ClosedPage} title=${found.title} scope=${found.scope} />`;
  return html`<${found.view} key=${[page, ...parts].join("/")} parts=${parts} query=${query} />`;
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

  if (session.phase.value === "in") return html`<${Shell} pages=${PAGES}><${Page} /><//>`;
  if (session.phase.value === "out") return html`<${SignIn} />`;
  return html`<main class="threshold">
    ${failure.value
      ? html`<${Failure} title="Muster does not answer" error=${failure.value} retry=${resume} />`
      : html`<${Waiting}>Going on with your session<//>`}
  </main>`;
}

render(
  html`<${AppContext.Provider} value=${{ session, api, feed, connection, inventory, names, library, route }}><${Dashboard} /><//>`,
  /** @type {HTMLElement} */ (document.getElementById("app")),
);
