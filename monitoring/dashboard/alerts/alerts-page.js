/** Alerts: which of its pages the address names. */

import { html } from "../view.js";
import { LostPage } from "../shell/lost-page.js";
import { RULES } from "./address.js";
import { AlertList } from "./alert-list.js";
import { AlertPage } from "./alert-page.js";
import { RulesPage } from "./rules-page.js";

/** @param {{parts: string[], query: Record<string, string>}} props */
export function AlertsPage({ parts, query }) {
  if (parts.length === 0) return html`<${AlertList} query=${query} />`;
  if (parts.length > 1) return html`<${LostPage} />`;
  return parts[0] === RULES ? html`<${RulesPage} />` : html`<${AlertPage} id=${parts[0]} />`;
}
