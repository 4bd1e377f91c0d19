/** Alerts, and the rules that open them. */

import { html } from "../view.js";
import { alertsHref, RULES_HREF } from "./address.js";

/** @param {{here: "alerts" | "rules"}} props */
export function Sections({ here }) {
  return html`<nav class="choice kinds" aria-label="Alerts and rules">
    <a href=${alertsHref()} aria-current=${here === "alerts" ? "page" : undefined}><span>Alerts</span></a>
    <a href=${RULES_HREF} aria-current=${here === "rules" ? "page" : undefined}><span>Rules</span></a>
  </nav>`;
}
