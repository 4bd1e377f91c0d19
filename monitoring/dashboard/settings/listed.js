/** One list of the settings: what it is for, a way to add to it, and its states. */

import { html, useEffect, useMemo } from "../view.js";
import { createListing } from "../listing.js";
import { useApp } from "../shell/context.js";
import { Empty, Failure, Waiting } from "../shell/states.js";

/** All of a list that has few items; read when the page opens. @param {string} path */
export function useWhole(path) {
  const { api } = useApp();
  const list = useMemo(() => createListing(api, path, { page: 200, whole: true }), [path]);
  useEffect(() => void list.load(), [list]);
  return list;
}

/**
 * @param {object} props
 * @param {string} props.title
 * @param {string} props.about one sentence
 * @param {string} props.add what the button says that opens the form
 * @param {() => void} props.open
 * @param {import("../listing.js").Listing<any>} props.list
 * @param {string} props.empty what is said while there is nothing: the next step
 * @param {any} props.children
 */
export function Listed({ title, about, add, open, list, empty, children }) {
  const ready = list.phase.value === "ready";
  const failure = list.error.value;
  return html`<section aria-labelledby="listed">
    <div class="section-head"><h2 id="listed">${title}</h2><p class="about">${about}</p><button type="button" class="small" onClick=${open}>${add}</button></div>
    ${!ready && failure && html`<${Failure} title="This could not be read" error=${failure} retry=${list.load} />`}
    ${!ready && !failure && html`<${Waiting}>Reading<//>`}
    ${ready && failure && html`<p class="notice alarm" role="alert">${failure.message} <button type="button" class="link" onClick=${list.load}>Try again</button></p>`}
    ${ready && (list.items.value.length === 0 ? html`<${Empty} title="Nothing here yet"><p>${empty}</p><//>` : children)}
  </section>`;
}
