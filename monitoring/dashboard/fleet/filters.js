/** Which devices a person wants to see: from the address to the platform's query language (RQL), and back. Pure. */

/**
 * `search` is words or RQL; `show` what only the live side knows best.
 * @typedef {object} Filters
 * @property {string} search
 * @property {"all" | "online" | "offline" | "never connected" | "updating"} show
 * @property {string} lifecycle
 * @property {string} type
 * @property {string} tag
 * @property {string} group the id of one
 */

export const SHOWS = /** @type {const} */ (["all", "online", "offline", "never connected", "updating"]);
export const LIFECYCLES = /** @type {const} */ (["in_stock", "deployed", "maintenance", "retired"]);

/** What the platform says of the devices that are to be shown: of those that were never there, nothing. */
export const PRESENCES = /** @type {Readonly<Record<string, boolean | null>>} */ ({ online: true, offline: false, "never connected": null });

/** What a plain word is looked for in. */
const SPOKEN = ["device_uid", "name", "device_type", "serial_number", "firmware_version", "tags"];
/** So many devices are named in one query. */
export const MOST_NAMED = 400;

/** @param {Record<string, string>} query of the address @returns {Filters} */
export function filtersOf({ search = "", show = "", lifecycle = "", type = "", tag = "", group = "" }) {
  return {
    search,
    show: SHOWS.find((one) => one === show) ?? "all",
    lifecycle: LIFECYCLES.some((one) => one === lifecycle) ? lifecycle : "",
    type,
    tag,
    group: /^\d+$/.test(group) ? group : "",
  };
}

/** The query of the address that says the same. @param {Filters} filters */
export const addressOf = ({ show, ...others }) => ({ ...others, show: show === "all" ? "" : show });

/** Whether what was typed is RQL rather than words. @param {string} search */
export const isRql = (search) => /^\s*[a-z]+\(/.test(search);

/** @param {string} text as an RQL literal */
export const quoted = (text) => JSON.stringify(text);

/** Every word must stand somewhere. @param {string} search @returns {string[]} conditions */
function spoken(search) {
  const words = search.trim().split(/\s+/).filter(Boolean);
  return words.map((word) => `or(${SPOKEN.map((field) => `ilike(${field},${quoted(`*${word}*`)})`).join(",")})`);
}

/**
 * The one condition that the filters come to, all but the group; undefined when every device is wanted. What was typed as
 * RQL comes first, so that the position of an error in it is found by `positionIn`.
 * @param {Filters} filters
 * @param {string[]} updating the devices that are being updated
 * @returns {string | undefined}
 */
export function rqlOf({ search, show, lifecycle, type, tag }, updating) {
  const conditions = search.trim() ? (isRql(search) ? [search] : spoken(search)) : [];
  if (Object.hasOwn(PRESENCES, show)) conditions.push(`eq(online,${PRESENCES[show]})`);
  if (show === "updating") conditions.push(`in(device_uid,${(updating.length > 0 ? updating.slice(0, MOST_NAMED) : [""]).map(quoted).join(",")})`);
  if (lifecycle) conditions.push(`eq(lifecycle,${quoted(lifecycle)})`);
  if (type) conditions.push(`eq(device_type,${quoted(type)})`);
  if (tag) conditions.push(`eq(tags,${quoted(tag)})`);
  if (conditions.length > 1) return `and(${conditions.join(",")})`;
  return conditions[0];
}

/**
 * Where in the typed text a query is wrong: the platform counts from the beginning of the whole query.
 * @param {Filters} filters
 * @param {string} rql what was sent
 * @param {number} position
 */
export function positionIn({ search }, rql, position) {
  return Math.min(Math.max(0, position - rql.indexOf(search)), search.length);
}
