/** The pages to choose from, beside the content or, on a narrow window, behind a button above it. */

import { html, useEffect, useSignal } from "../view.js";
import { useApp } from "./context.js";
import { Icon, Mark } from "./icons.js";
import { href } from "./router.js";
import { ThemeToggle } from "./theme.js";

/** @param {{pages: import("../pages.js").Page[]}} props */
export function Navigation({ pages }) {
  const { route } = useApp();
  const open = useSignal(false);
  const place = route.value;
  useEffect(() => {
    open.value = false;
  }, [place]);

  /** @param {KeyboardEvent} event */
  function onKeyDown(event) {
    if (event.key !== "Escape" || !open.peek()) return;
    open.value = false;
    /** @type {HTMLElement} */ (event.currentTarget).querySelector("button")?.focus();
  }

  return html`<header class=${open.value ? "bar open" : "bar"} onKeyDown=${onKeyDown}>
    <a class="brand" href=${href("overview")}><${Mark} /><span>Muster</span></a>
    <${LiveState} />
    <button type="button" class="quiet menu" aria-expanded=${open.value} aria-controls="sections" onClick=${() => (open.value = !open.value)}>
      <${Icon} name=${open.value ? "close" : "menu"} /><span class="hidden">Menu</span>
    </button>
    <div class="sections" id="sections"><${Sections} pages=${pages} /><${Person} /></div>
  </header>`;
}

/** @param {{pages: import("../pages.js").Page[]}} props */
function Sections({ pages }) {
  const { session, route } = useApp();
  const here = pages.find(({ path }) => path === route.value.page);
  const offered = pages.filter(({ icon, scope }) => icon && (!scope || session.can(scope)));
  return html`<nav aria-label="Sections">
    ${offered.map(
      ({ path, title, icon }) => html`<a key=${path} href=${href(path)} aria-current=${path === (here?.within ?? here?.path) ? "page" : undefined}>
        <${Icon} name=${icon} />${title}
      </a>`,
    )}
  </nav>`;
}

function LiveState() {
  const { connection } = useApp();
  const status = connection.status.value;
  return html`<p class="live-state" data-live=${status}><span class="dot" aria-hidden="true"></span>${status === "live" ? "Live" : status === "reading" ? "Reading the fleet" : "Connecting"}</p>`;
}

function Person() {
  const { session } = useApp();
  const person = session.person.value;
  return html`<div class="person">
    <p><strong>${person?.organization.name}</strong><span>${person?.name ?? person?.email}</span></p>
    <${ThemeToggle} />
    <button type="button" class="quiet" aria-label="Sign out" title="Sign out" onClick=${session.signOut}><${Icon} name="leave" /></button>
  </div>`;
}
