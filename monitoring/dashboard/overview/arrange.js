/** How many cells of which size fill a field: pure. */

const LARGEST = 34;
const SMALLEST = 5;

/**
 * The largest square pitch at which `count` cells fit a field, in rows of one length.
 * @param {number} count
 * @param {number} width in pixels
 * @param {number} height in pixels
 * @returns {{pitch: number, columns: number, shown: number}} `shown` cells fit; fewer than `count` only at the smallest pitch
 */
export function arrange(count, width, height) {
  for (let pitch = LARGEST; ; pitch--) {
    const columns = Math.max(1, Math.floor(width / pitch));
    const rows = Math.max(1, Math.floor(height / pitch));
    if (columns * rows >= count) return { pitch, columns: Math.ceil(count / Math.ceil(count / columns)), shown: count };
    if (pitch === SMALLEST) return { pitch, columns, shown: columns * rows };
  }
}
