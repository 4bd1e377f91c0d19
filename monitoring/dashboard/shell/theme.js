/** Light or dark: the system's choice until a person makes one. Canvases ask here for their colours. */

import { html, signal } from "../view.js";
import { Icon } from "./icons.js";

const KEY = "muster.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

const actual = () => document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light");

/** The theme in force; canvases are painted anew when it changes. */
export const theme = signal(actual());

system.addEventListener("change", () => {
  theme.value = actual();
});

function toggle() {
  const next = actual() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  localStorage.setItem(KEY, next);
  theme.value = next;
}

export function ThemeToggle() {
  const other = theme.value === "dark" ? "light" : "dark";
  return html`<button type="button" class="quiet" aria-label=${`Use the ${other} theme`} title=${`Use the ${other} theme`} onClick=${toggle}>
    <${Icon} name=${other === "light" ? "sun" : "moon"} />
  </button>`;
}

/**
 * A colour token as the canvas takes it, resolved for the theme in force. The tokens are registered properties, so their
 * computed value is a colour.
 * @param {`--${string}`} token
 */
export function colour(token) {
  return getComputedStyle(document.documentElement).getPropertyValue(token).trim();
}
