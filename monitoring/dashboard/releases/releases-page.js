/** Releases: which of its pages the address names. */

import { html } from "../view.js";
import { BatchPage } from "../batches/batch-page.js";
import { BatchesPage } from "../batches/batches-page.js";
import { LostPage } from "../shell/lost-page.js";
import { BATCHES, NEW } from "./address.js";
import { ReleaseList } from "./release-list.js";
import { ReleasePage } from "./release-page.js";
import { Wizard } from "./wizard/wizard.js";

/** @param {{parts: string[], query: Record<string, string>}} props */
export function ReleasesPage({ parts, query }) {
  const [first, second] = parts;
  if (parts.length === 0) return html`<${ReleaseList} query=${query} />`;
  if (first === NEW && parts.length === 1) return html`<${Wizard} firmware=${Number(query.firmware) || null} />`;
  if (first === BATCHES && parts.length === 1) return html`<${BatchesPage} query=${query} />`;
  if (first === BATCHES && parts.length === 2) return html`<${BatchPage} id=${second} />`;
  if (parts.length === 1) return html`<${ReleasePage} name=${first} why=${query.why ?? null} />`;
  return html`<${LostPage} />`;
}
