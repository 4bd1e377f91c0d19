/** How high a chart is, in the units of what it draws: pure. */

/** Less than this, of a value's size, is noise of its computing; between ticks that close uPlot finds no end. */
const FINEST = 1e-9;

/**
 * The value axis: a tenth of room on both sides, and some height even for a value that never changes.
 * @param {any} _ the plot
 * @param {number | null} lowest
 * @param {number | null} highest
 * @returns {[number, number]}
 */
export function padded(_, lowest, highest) {
  if (lowest === null || highest === null) return [0, 1];
  const size = Math.max(Math.abs(lowest), Math.abs(highest));
  const room = highest === lowest ? size * 0.05 || 1 : Math.max((highest - lowest) * 0.12, size * FINEST);
  return [lowest - room, highest + room];
}
