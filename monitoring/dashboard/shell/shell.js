/** The frame around every page of a signed-in person: where to go, the state of the live connection, the page. */

import { Component, html } from "../view.js";
import { useApp } from "./context.js";
import { Icon } from "./icons.js";
import { Navigation } from "./navigation.js";
import { now } from "./now.js";
import { Failure } from "./states.js";

/** An interruption shorter than this is not worth a word. */
const PATIENCE_MS = 2_000;

/** @param {{pages: import("../pages.js").Page[], children: any}} props */
export function Shell({ pages, children }) {
  return html`
    <button type="button" class="skip" onClick=${() => document.getElementById("content")?.focus()}>Skip to the content</button>
    <div class="frame">
      <${Navigation} pages=${pages} />
      <div class="stage">
        <${Interruption} />
        <main id="content" tabindex="-1"><${Boundary}>${children}<//></main>
      </div>
    </div>
  `;
}

function Interruption() {
  const { connection } = useApp();
  const away = connection.status.value === "connecting" && now.value - connection.since.value > PATIENCE_MS;
  return html`<div class="interruption" role="status">
    ${away &&
    html`<p>
      <${Icon} name="warning" /><span>Live updates are interrupted. What you see may be old; Muster keeps trying to reconnect.</span>
      <button type="button" onClick=${connection.reconnect}>Try now</button>
    </p>`}
  </div>`;
}

/** Keeps a page that fails from taking the frame with it; going to another page leaves the failure behind. */
class Boundary extends Component {
  state = { error: /** @type {Error | null} */ (null) };

  /** @param {Error} error */
  static getDerivedStateFromError(error) {
    return { error };
  }

  /** @param {Error} error */
  componentDidCatch(error) {
    console.error(error);
    addEventListener("hashchange", () => this.setState({ error: null }), { once: true });
  }

  render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return html`<${Failure} title="This page has failed" error=${error} retry=${() => this.setState({ error: null })} />`;
  }
}
