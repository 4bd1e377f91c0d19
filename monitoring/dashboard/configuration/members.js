/** A configuration member by member: what is wanted, what the device reports, where they differ. Pure. */

/**
 * @typedef {object} Configuration as `GET /devices/{uid}/configuration` answers
 * @property {Record<string, any>} desired
 * @property {Record<string, any> | null} reported null until the device has reported
 * @property {string | null} reported_at RFC 3339
 * @property {Record<string, {desired: any, reported: any}> | null} drift
 * @property {number} version
 * @property {number | null} [action_id]
 */

/**
 * Those that differ first, each kind by name.
 * @param {Configuration} configuration
 * @returns {{name: string, desired: any, reported: any, drifts: boolean}[]} undefined where a side does not say
 */
export function members({ desired, reported, drift }) {
  const names = new Set([...Object.keys(desired), ...Object.keys(reported ?? {})]);
  return [...names]
    .map((name) => ({ name, desired: desired[name], reported: reported?.[name], drifts: Object.hasOwn(drift ?? {}, name) }))
    .sort((one, other) => Number(other.drifts) - Number(one.drifts) || (one.name < other.name ? -1 : 1));
}

/** How a value is shown. @param {any} value */
export const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value));
