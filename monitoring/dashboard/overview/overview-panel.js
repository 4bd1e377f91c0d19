/** A short list of the overview: its name, how much there is, the first of it, and where the rest is. */

import { html } from "../view.js";

/**
 * @param {object} props
 * @param {string} props.name for its sheet and for tests
 * @param {string} props.title
 * @param {number} props.count
 * @param {string} props.all where all of it is
 * @param {string} props.empty what is said while there is nothing
 * @param {any} props.children the first of it, as list items
 */
export function OverviewPanel({ name, title, count, all, empty, children }) {
  return html`<section class="panel overview-panel" aria-labelledby=${`overview-${name}`} data-panel=${name} data-count=${count}>
    <header>
      <h2 id=${`overview-${name}`}>${title}</h2>
      ${count > 0 && html`<span class="value">${count}</span>`}
      <a href=${all} aria-label=${`${title}: see all`}>See all</a>
    </header>
    ${count > 0 ? html`<ul>${children}</ul>` : html`<p class="none">${empty}</p>`}
  </section>`;
}
