/** A history of presence as parts of a line: pure. */

const LENGTH = 1000;

/**
 * @param {{from: string, to: string, known_from: string | null, items: {online: boolean, since: string, until: string | null}[]}} history times in RFC 3339
 * @returns {{from: number, width: number, online: boolean}[]} in thousandths of what is known of the window
 */
export function segments({ from, to, known_from, items }) {
  const [start, end] = [Math.max(Date.parse(from), Date.parse(known_from ?? from)), Date.parse(to)];
  /** @param {number} time */
  const at = (time) => ((Math.min(Math.max(time, start), end) - start) / (end - start)) * LENGTH;
  return items
    .map(({ online, since, until }) => ({ online, from: at(Date.parse(since)), to: at(until === null ? end : Date.parse(until)) }))
    .filter((part) => part.to > part.from)
    .map(({ online, from: left, to: right }) => ({ online, from: left, width: right - left }));
}
