/** The mark and the few icons, drawn in the current colour. */

import { html } from "../view.js";

/** Devices in formation, one letter: the rows of an M, five by five. */
const FORMATION = ["x...x", "xx.xx", "x.x.x", "x...x", "x...x"];

/** @returns {{column: number, row: number}[]} the places of the mark's dots */
export function formation() {
  return FORMATION.flatMap((line, row) => [...line].flatMap((place, column) => (place === "x" ? [{ column, row }] : [])));
}

export function Mark() {
  return html`<svg class="mark" viewBox="0 0 40 40" aria-hidden="true">
    ${formation().map(
      ({ column, row }) => html`<rect x=${column * 8 + 1} y=${row * 8 + 1} width="6" height="6" rx="1.6" class=${column === 2 ? "lit" : ""} />`,
    )}
  </svg>`;
}

const PATHS = {
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v3M12 19v3M2 12h3M19 12h3M4.9 4.9 7 7M17 17l2.1 2.1M19.1 4.9 17 7M7 17l-2.1 2.1",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
  leave: "M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5 20 20",
  back: "M14 6l-6 6 6 6",
  forth: "M10 6l6 6-6 6",
  warning: "M12 4 2.8 20h18.4zM12 10v5M12 17.6v.1",
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6 6 18",
  overview: "M4.5 18a9 9 0 1 1 15 0M12 13l4.5-4.5M12 11.8a1.2 1.2 0 1 0 0 2.4 1.2 1.2 0 0 0 0-2.4z",
  fleet: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z",
  map: "M9 4 3.5 6.5v13L9 17l6 3 5.5-2.5v-13L15 7zM9 4v13M15 7v13",
  releases: "M12 3 3 7.7l9 4.7 9-4.7zM3 12.2l9 4.7 9-4.7M3 16.6l9 4.7 9-4.7",
  firmware: "M7 7h10v10H7zM10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4",
  alerts: "M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 2h-15zM10 21.5h4M12 3v2",
  sites: "M12 21s-7-6-7-11a7 7 0 0 1 14 0c0 5-7 11-7 11zM12 7.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
  settings: "M4 7h9M17 7h3M15 5v4M4 12h3M11 12h9M9 10v4M4 17h11M19 17h1M17 15v4",
};

/** @typedef {keyof typeof PATHS} IconName */

/** @param {{name: IconName}} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}
