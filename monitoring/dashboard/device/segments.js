/** A history of presence as parts of a line: pure. */

const LENGTH = 1000;

/**
 * @param {{from: string, to: string, items: {online: boolean, since: string, until: string | null}[]}} history times in RFC 3339
 * @returns {{from: number, width: number, online: boolean}[]} in thousandths of the window; of what is not known there is no part
 */
export function segments({ from, to, items }) {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  /** @param {number} time */
  const at = (time) => ((Math.min(Math.max(time, start), end) - start) / (end - start)) * LENGTH;
  return items
    .map(({ online, since, until }) => ({ online, from: at(Date.parse(since)), to: at(until === null ? end : Date.parse(until)) }))
    .filter((part) => part.to > part.from)
    .map(({ online, from: left, to: right }) => ({ online, from: left, width: right - left }));
}
