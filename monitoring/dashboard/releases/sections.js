/** The two kinds of updates for many devices, each with its list. */

import { html } from "../view.js";
import { BATCHES_HREF, RELEASES_HREF } from "./address.js";

/** @param {{here: "releases" | "batches"}} props */
export function Sections({ here }) {
  return html`<nav class="choice kinds" aria-label="Kinds of updates">
    <a href=${RELEASES_HREF} aria-current=${here === "releases" ? "page" : undefined}><span>Releases</span></a>
    <a href=${BATCHES_HREF} aria-current=${here === "batches" ? "page" : undefined}><span>Batches</span></a>
  </nav>`;
}
