/** What is wrong with a query, where it is wrong, and what could stand there. */

import { html } from "../view.js";
import { positionIn } from "./filters.js";

const EXAMPLES = ['eq(device_type,"sensor")', 'ilike(name,"*pump*")', 'and(eq(attributes/site,"north"),ne(firmware_version,"2.0.0"))'];

/**
 * @param {object} props
 * @param {import("./filters.js").Filters} props.filters
 * @param {string | undefined} props.rql what was sent
 * @param {(Error & {code?: string, more?: Record<string, any>}) | null} props.error
 */
export function QueryProblem({ filters, rql, error }) {
  if (error?.code !== "bad_query" && error?.code !== "query_too_slow") return null;
  const position = error.more?.position === undefined || !rql ? null : positionIn(filters, rql, error.more.position);
  const expected = /** @type {string[]} */ (error.more?.expected ?? []);
  return html`<div class="notice alarm query-problem" role="alert" id="query-problem" data-position=${position}>
    <p>${error.message.replace(/ \(at position \d+\)/, "")}${expected.length > 0 && !expected.some((word) => error.message.includes(word)) && ` Expected ${expected.join(" or ")}.`}</p>
    ${position !== null &&
    html`<p><code>${filters.search.slice(0, position)}<mark>${filters.search.slice(position, position + 1) || "\u00a0"}</mark>${filters.search.slice(position + 1)}</code> at character ${position + 1}</p>`}
    <p>A query looks like ${EXAMPLES.map((example, index) => html`${index > 0 && ", "}<code>${example}</code>`)}. Plain words search names, uids, types, serial numbers, versions and tags.</p>
  </div>`;
}
