/** What an entry of the audit log says has changed: pure. */

/**
 * @typedef {object} Entry as `GET /devices/{uid}/audit` answers; `before` and `after` hold the members that differ
 * @property {number} id
 * @property {string} action
 * @property {{kind: string, id: string | null, name: string | null}} actor
 * @property {Record<string, any> | null} before
 * @property {Record<string, any> | null} after
 * @property {string} at RFC 3339
 */

/** A subject that began or ended has all its members on one side; so many are shown of it. */
const MOST = 8;

/**
 * @param {Record<string, any> | null} before
 * @param {Record<string, any> | null} after
 * @returns {{name: string, from: string, to: string}[]} "" where a side says nothing
 */
export function changes(before, after) {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return names
    .map((name) => ({ name: name.replaceAll("_", " "), from: said(before?.[name]), to: said(after?.[name]) }))
    .filter(({ from, to }) => from !== to)
    .slice(0, MOST);
}

/** @param {any} value */
function said(value) {
  if (value === null || value === undefined || (typeof value === "object" && Object.keys(value).length === 0)) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
