/** A release as a tree: wave, cluster, bundle and app, each with its state and how far its devices are. */

import { html, useMemo, useRef, useSignal } from "../view.js";
import { Icon } from "../shell/icons.js";
import { ProgressCell } from "./progress-bar.js";
import { selectionInWords } from "./selection.js";
import { StateBadge } from "./state-badge.js";
import { openAtFirst, rowsOf, step } from "./tree-rows.js";

/**
 * @param {object} props
 * @param {import("./tree-rows.js").Node} props.release
 * @param {(node: import("./tree-rows.js").Node) => any} props.gate what is to be said of a wave's gate
 * @param {(node: import("./tree-rows.js").Node) => void} props.show shows the devices of a cluster
 */
export function Tree({ release, gate, show }) {
  const open = useSignal(useMemo(() => openAtFirst(release), []));
  const focused = useSignal(/** @type {string | null} */ (null));
  const grid = useRef(/** @type {HTMLElement | null} */ (null));
  const rows = rowsOf(release, open.value);
  const entry = rows.some(({ key }) => key === focused.value) ? focused.value : rows[0]?.key;

  /** @param {string} key */
  function toggle(key) {
    const next = new Set(open.peek());
    if (!next.delete(key)) next.add(key);
    open.value = next;
  }

  /** @param {KeyboardEvent} event */
  function onKeyDown(event) {
    const line = /** @type {HTMLElement} */ (event.target);
    if (line.getAttribute("role") !== "row" || event.ctrlKey || event.metaKey || event.altKey) return;
    const led = step(rows, String(line.dataset.key), event.key);
    if (!led) return;
    event.preventDefault();
    if (led.toggle) toggle(led.toggle);
    if (led.focus) {
      focused.value = led.focus;
      grid.current?.querySelector(`[data-key="${CSS.escape(led.focus)}"]`)?.focus();
    }
  }

  return html`<div class="panel">
    <div class="tree" role="treegrid" aria-label="Waves, clusters, bundles and apps" ref=${grid} onKeyDown=${onKeyDown}>
      <div role="row" class="tree-head">
        <span role="columnheader">Part</span><span role="columnheader">State</span><span role="columnheader">Devices</span><span role="columnheader"><span class="hidden">Show</span></span>
      </div>
      ${rows.map(
        (row) => html`<${Line} key=${row.key} row=${row} entry=${row.key === entry} gate=${gate} show=${show} toggle=${toggle} onFocus=${() => (focused.value = row.key)} />`,
      )}
    </div>
  </div>`;
}

/**
 * @param {object} props
 * @param {import("./tree-rows.js").Row} props.row
 * @param {boolean} props.entry whether the keyboard comes in here
 * @param {(node: import("./tree-rows.js").Node) => any} props.gate
 * @param {(node: import("./tree-rows.js").Node) => void} props.show
 * @param {(key: string) => void} props.toggle
 * @param {() => void} props.onFocus
 */
function Line({ row, entry, gate, show, toggle, onFocus }) {
  const { node, key, level, place, siblings, open } = row;
  return html`<div
    role="row"
    class=${`tree-row level-${level}`}
    data-key=${key}
    data-part=${node.id}
    data-state=${node.state}
    aria-level=${level}
    aria-posinset=${place}
    aria-setsize=${siblings}
    aria-expanded=${open ?? undefined}
    tabindex=${entry ? 0 : -1}
    onFocus=${onFocus}
  >
    <div role="gridcell" class="part" onClick=${() => open !== null && toggle(key)}>
      <span class=${`twisty ${open === null ? "leaf" : open ? "open" : "closed"}`} aria-hidden="true"><${Icon} name="forth" /></span>
      <div class="named"><${PartName} node=${node} />${node.type === "wave" && gate(node)}</div>
    </div>
    <div role="gridcell"><${StateBadge} state=${node.state} /></div>
    <div role="gridcell" class="far">
      <${ProgressCell} progress=${node.progress} />
      ${node.rollback && html`<div class="back"><span class="hidden">Rolled back:</span><${ProgressCell} progress=${node.rollback} words=${{ succeeded: "taken back" }} /></div>`}
    </div>
    <div role="gridcell" class="shows">
      ${node.type === "cluster" &&
      node.batch_id !== null &&
      html`<button type="button" class="link" tabindex=${entry ? 0 : -1} aria-label=${`Devices of ${node.name}`} onClick=${() => show(node)}>Devices</button>`}
    </div>
  </div>`;
}

/** @param {{node: import("./tree-rows.js").Node}} props */
function PartName({ node }) {
  switch (node.type) {
    case "wave":
      return html`<strong>${node.name}</strong>${node.percent && html` <span class="of">${node.percent} %</span>`}`;
    case "cluster":
      return html`<span>${node.name}</span> <span class="uid">${selectionInWords(node.selection ?? {})}</span>`;
    case "app":
      return html`<span>${node.firmware_name} <span class="value">${node.firmware_version}</span></span>${node.floor && html` <span class="uid">from ${node.floor} on</span>`}`;
    default:
      return html`<span>${node.name}</span>`;
  }
}
