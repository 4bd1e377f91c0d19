/** A table whose rows are the same all over: what its columns are called, and what each shows of an item. */

import { html } from "../view.js";

/**
 * @template Item
 * @param {object} props
 * @param {string} props.caption for those who cannot see it
 * @param {Item[]} props.items
 * @param {(item: Item) => string | number} props.keyOf
 * @param {[string, (item: Item) => any][]} props.columns their names and what they show; the first names the item
 * @param {(item: Item) => any} [props.acts] what may be done to the item
 */
export function DataTable({ caption, items, keyOf, columns, acts }) {
  const [[head, nameOf], ...others] = columns;
  return html`<div class="panel scrolls" tabindex="0" role="group" aria-label=${caption}>
    <table class="data-table">
      <caption class="hidden">${caption}</caption>
      <thead>
        <tr>
          ${[[head], ...others].map(([name]) => html`<th scope="col">${name}</th>`)}
          ${acts && html`<th scope="col"><span class="hidden">What may be done</span></th>`}
        </tr>
      </thead>
      <tbody>
        ${items.map(
          (item) => html`<tr key=${keyOf(item)} data-key=${keyOf(item)}>
            <th scope="row">${nameOf(item)}</th>
            ${others.map(([, show]) => html`<td>${show(item)}</td>`)}
            ${acts && html`<td class="acts">${acts(item)}</td>`}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
