/** Why devices could not be updated now, and what to do about it: pure. */

const OBSTACLES = /** @type {Record<string, [string, string]>} */ ({
  retired: ["retired", "They take part in nothing; leave them out."],
  updates_disabled: ["with updates disabled", "They are skipped unless somebody enables updates for them."],
  hardware_mismatch: ["of other hardware", "They are skipped; give them a firmware for their hardware."],
  older_release: ["that run something newer", "They are skipped unless older may replace newer."],
  below_floor: ["below the version that is asked for", "They are skipped; update them to that version first."],
  update_open: ["being updated already", "They have their turn once that update has ended."],
  device_not_found: ["not known", "See whether they are registered."],
});

/**
 * @param {Record<string, number>} obstacles how many devices there are, by the reason's word
 * @returns {{words: string, devices: number, next: string}[]} the most first
 */
export function obstaclesInWords(obstacles) {
  return Object.entries(obstacles)
    .sort(([, one], [, other]) => other - one)
    .map(([reason, devices]) => {
      const [words, next] = OBSTACLES[reason] ?? [reason.replaceAll("_", " "), "They are skipped unless that changes."];
      return { words, devices, next };
    });
}
