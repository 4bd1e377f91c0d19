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
};

/** @param {{name: keyof typeof PATHS}} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}
