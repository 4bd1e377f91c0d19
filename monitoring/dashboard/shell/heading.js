/** A page's name: its heading, the window's title, and where the keyboard goes when a page opens. */

import { html, useEffect, useRef } from "../view.js";

let opened = 0;

/** @param {{title: string, children?: any}} props `children` in place of the plain title */
export function Heading({ title, children }) {
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    document.title = `${title} · Muster`;
  }, [title]);
  useEffect(() => {
    if (opened++ > 0) heading.current?.focus({ preventScroll: true });
  }, []);
  return html`<h1 tabindex="-1" ref=${heading}>${children ?? title}</h1>`;
}
