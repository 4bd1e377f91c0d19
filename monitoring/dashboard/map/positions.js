/** Where a device is, as far as anybody says: pure. */

/**
 * @typedef {{latitude: number, longitude: number}} Position in degrees
 */

const LATITUDES = ["latitude", "lat"];
const LONGITUDES = ["longitude", "lon", "lng"];
/** Under these names an object with both is looked for. */
const PLACES = ["position", "location", "gps"];

/** The devices whose attributes may say where they are, in RQL. */
export const PLACED = `or(${["attributes", "reported_attributes"]
  .flatMap((from) => [...PLACES, ...LATITUDES].map((name) => `exists(${from}/${name})`))
  .join(",")})`;

/** @param {unknown} value @param {number} most @returns {number | null} */
function degrees(value, most) {
  const found = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof found === "number" && Math.abs(found) <= most ? found : null;
}

/** @param {unknown} said @returns {Position | null} */
function within(said) {
  if (said === null || typeof said !== "object") return null;
  const members = /** @type {Record<string, unknown>} */ (said);
  const [latitude, longitude] = [/** @type {const} */ ([LATITUDES, 90]), /** @type {const} */ ([LONGITUDES, 180])].map(([names, most]) => {
    const name = names.find((one) => Object.hasOwn(members, one));
    return name === undefined ? null : degrees(members[name], most);
  });
  return latitude === null || longitude === null ? null : { latitude, longitude };
}

/**
 * @param {Record<string, unknown> | undefined} attributes `{latitude, longitude}`, or those in `position`, `location` or `gps`
 * @returns {Position | null}
 */
export function placeIn(attributes) {
  if (!attributes) return null;
  return within(attributes) ?? PLACES.reduce((found, name) => found ?? within(Object.hasOwn(attributes, name) ? attributes[name] : null), /** @type {Position | null} */ (null));
}

/** What a device measures itself. @param {import("../live/merge.js").Reading | null} reading @returns {Position | null} */
export function measuredPlace(reading) {
  if (!reading) return null;
  const latitude = degrees(reading.metrics.get("latitude")?.value, 90);
  const longitude = degrees(reading.metrics.get("longitude")?.value, 180);
  return latitude === null || longitude === null ? null : { latitude, longitude };
}
