/** The frame around every page of a signed-in person: the bar, the state of the live connection, the page. */

import { Component, html } from "../view.js";
import { useApp } from "./context.js";
import { Icon, Mark } from "./icons.js";
import { now } from "./now.js";
import { FIRMWARE, FLEET } from "./router.js";
import { Failure } from "./states.js";
import { ThemeToggle } from "./theme.js";

/** An interruption shorter than this is not worth a word. */
const PATIENCE_MS = 2_000;

/** @param {{children: any}} props */
export function Shell({ children }) {
  return html`
    <button type="button" class="skip" onClick=${() => document.getElementById("content")?.focus()}>Skip to the content</button>
    <${Bar} />
    <${Interruption} />
    <main id="content" tabindex="-1"><${Boundary}>${children}<//></main>
  `;
}

function Bar() {
  const { session } = useApp();
  const person = session.person.value;
  return html`<header class="bar">
    <a class="brand" href=${FLEET}><${Mark} /><span>Muster</span></a>
    <${Sections} />
    <${LiveState} />
    <p class="person"><strong>${person?.organization.name}</strong><span>${person?.name ?? person?.email}</span></p>
    <${ThemeToggle} />
    <button type="button" class="quiet" aria-label="Sign out" title="Sign out" onClick=${session.signOut}><${Icon} name="leave" /></button>
  </header>`;
}

function Sections() {
  const { session, route } = useApp();
  const { page } = route.value;
  const sections = [
    { name: "Fleet", href: FLEET, pages: ["fleet", "device"] },
    ...(session.can("updates:read") ? [{ name: "Firmware", href: FIRMWARE, pages: ["firmware"] }] : []),
  ];
  return html`<nav aria-label="Sections">
    ${sections.map(({ name, href, pages }) => html`<a key=${name} href=${href} aria-current=${pages.includes(page) ? "page" : undefined}>${name}</a>`)}
  </nav>`;
}

function LiveState() {
  const { connection } = useApp();
  const live = connection.status.value === "live";
  return html`<p class="live-state" data-live=${connection.status.value}><span class="dot" aria-hidden="true"></span>${live ? "Live" : "Connecting"}</p>`;
}

function Interruption() {
  const { connection } = useApp();
  const away = connection.status.value !== "live" && now.value - connection.since.value > PATIENCE_MS;
  return html`<div class="interruption" role="status">
    ${away &&
    html`<p>
      <${Icon} name="warning" /><span>Live updates are interrupted. What you see may be old; Muster keeps trying to reconnect.</span>
      <button type="button" onClick=${connection.reconnect}>Try now</button>
    </p>`}
  </div>`;
}

/** Keeps a page that fails from taking the frame with it. */
class Boundary extends Component {
  state = { error: /** @type {Error | null} */ (null) };

  /** @param {Error} error */
  static getDerivedStateFromError(error) {
    return { error };
  }

  /** @param {Error} error */
  componentDidCatch(error) {
    console.error(error);
  }

  render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return html`<${Failure} title="This page has failed" error=${error} retry=${() => this.setState({ error: null })} />`;
  }
}
