/** Lengths of time as people write them: `90 s`, `30 min`, `1 h 30 min`, `2 d`. Pure. */

const UNITS = /** @type {Record<string, number>} */ ({ s: 1, sec: 1, second: 1, m: 60, min: 60, minute: 60, h: 3600, hour: 3600, d: 86_400, day: 86_400, w: 604_800, week: 604_800 });
const PART = /^(\d+(?:\.\d+)?)\s*([a-z]+)\s*/;

/**
 * @param {string} words
 * @returns {number | null | undefined} seconds; null for nothing written, undefined for what is no length of time
 */
export function secondsOf(words) {
  let rest = words.trim().toLowerCase();
  if (rest === "") return null;
  if (rest === "0") return 0;
  let seconds = 0;
  while (rest !== "") {
    const found = PART.exec(rest);
    const unit = found && (UNITS[found[2]] ?? UNITS[found[2].replace(/s$/, "")]);
    if (!found || !unit) return undefined;
    seconds += Number(found[1]) * unit;
    rest = rest.slice(found[0].length);
  }
  return Math.round(seconds);
}

/** The same length, as it would be written. @param {number} seconds */
export function inWords(seconds) {
  const parts = /** @type {[string, number][]} */ ([["d", 86_400], ["h", 3600], ["min", 60], ["s", 1]]);
  let rest = Math.round(seconds);
  const words = [];
  for (const [unit, size] of parts) {
    const number = Math.floor(rest / size);
    if (number > 0) words.push(`${number} ${unit}`);
    rest -= number * size;
  }
  return words.join(" ") || "0 s";
}
