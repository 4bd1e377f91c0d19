/** Which devices something is done to: some that were picked, or all that the filters find. Pure. */

/** @typedef {{device_uids: string[]} | {rql: string} | {group: number}} Target as the platform takes it */

/** Every device of the organization, in RQL. */
const EVERYTHING = "exists(device_uid)";
/** So many devices can be named in one call. */
export const MOST_NAMED = 10_000;
/** And so many in one query. */
const MOST_ASKED = 400;

/**
 * All that the filters find; null where a group and other filters meet, which one target cannot say.
 * @param {string | undefined} rql
 * @param {string} group
 * @returns {Target | null}
 */
export function everyone(rql, group) {
  if (rql && group) return null;
  return group ? { group: Number(group) } : { rql: rql ?? EVERYTHING };
}

/**
 * A query for the target, to count and sample it; null for a group, and for more devices than one query can name.
 * @param {Target} target
 */
export function queryOf(target) {
  if ("rql" in target) return target.rql;
  if ("group" in target || target.device_uids.length > MOST_ASKED) return null;
  return `in(device_uid,${target.device_uids.map((uid) => JSON.stringify(uid)).join(",")})`;
}
