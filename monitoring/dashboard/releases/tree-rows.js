/** A release's tree as the lines of a treegrid, and where the arrow keys lead in it: pure. */

/**
 * @typedef {object} Node a part of a release as `GET /releases/{id}/hierarchy` answers
 * @property {string} id
 * @property {"release" | "wave" | "cluster" | "bundle" | "app"} type
 * @property {string} name
 * @property {import("./states.js").State} state
 * @property {import("./states.js").Progress} progress
 * @property {import("./states.js").Progress | null} rollback
 * @property {number | null} [percent] of a wave
 * @property {Record<string, unknown>} [selection] of a cluster
 * @property {number | null} [batch_id]
 * @property {number | null} [rollback_batch_id]
 * @property {Node[]} [waves]
 * @property {Node[]} [clusters]
 * @property {Node} [bundle]
 * @property {Node[]} [apps]
 * @property {string} [firmware_name]
 * @property {string} [firmware_version]
 * @property {string | null} [floor]
 *
 * @typedef {object} Row
 * @property {Node} node
 * @property {string} key unique in the tree: a bundle that several clusters share has one id
 * @property {string | null} parent the parent's key
 * @property {number} level from 1
 * @property {number} place among its siblings, from 1
 * @property {number} siblings
 * @property {boolean | null} open null for what has nothing below it
 */

/** @param {Node} node @returns {Node[]} */
const childrenOf = (node) => node.waves ?? node.clusters ?? node.apps ?? (node.bundle ? [node.bundle] : []);

/**
 * The lines that are seen, those of closed parts left out. The tree begins with the release's waves.
 * @param {Node} release
 * @param {ReadonlySet<string>} open the keys of the parts that are open
 * @returns {Row[]}
 */
export function rowsOf(release, open) {
  /** @type {Row[]} */
  const rows = [];
  /** @param {Node} node @param {string | null} parent @param {number} level */
  function walk(node, parent, level) {
    const children = childrenOf(node);
    children.forEach((child, index) => {
      const key = parent === null ? child.id : `${parent} ${child.id}`;
      const inner = childrenOf(child).length > 0;
      rows.push({ node: child, key, parent, level, place: index + 1, siblings: children.length, open: inner ? open.has(key) : null });
      if (inner && open.has(key)) walk(child, key, level + 1);
    });
  }
  walk(release, null, 1);
  return rows;
}

/**
 * What is open when the page opens: the waves that are under way or have failed, and of a small release everything.
 * @param {Node} release
 * @returns {Set<string>}
 */
export function openAtFirst(release) {
  const waves = release.waves ?? [];
  const chosen = waves.filter(({ state }) => ["running", "paused", "failed", "rolling_back"].includes(state));
  return new Set((chosen.length > 0 ? chosen : waves.slice(0, 1)).map(({ id }) => id));
}

/**
 * Where a key leads from a line, as the pattern for treegrids says: up and down a line, right opens and then goes in,
 * left closes and then goes out, Home and End to the first and the last.
 * @param {Row[]} rows
 * @param {string} key of the line with the focus
 * @param {string} pressed
 * @returns {{focus?: string, toggle?: string} | null} null for a key that means nothing here
 */
export function step(rows, key, pressed) {
  const at = rows.findIndex((row) => row.key === key);
  const row = rows[at];
  if (!row) return null;
  switch (pressed) {
    case "ArrowDown":
      return { focus: rows[Math.min(at + 1, rows.length - 1)].key };
    case "ArrowUp":
      return { focus: rows[Math.max(at - 1, 0)].key };
    case "Home":
      return { focus: rows[0].key };
    case "End":
      return { focus: rows[rows.length - 1].key };
    case "ArrowRight":
      if (row.open === false) return { toggle: key };
      return row.open ? { focus: rows[at + 1].key } : {};
    case "ArrowLeft":
      if (row.open) return { toggle: key };
      return row.parent === null ? {} : { focus: row.parent };
    case "Enter":
    case " ":
      return row.open === null ? {} : { toggle: key };
    default:
      return null;
  }
}
