/** Where devices are, kept device by device, so that what one says costs what is done for one. Pure. */

/** @typedef {import("./world.js").Point} Point */

export function createPlaces() {
  /** @type {Map<string, Point>} */
  const points = new Map();
  let online = 0;

  return {
    /** @type {ReadonlyMap<string, Point>} */
    points,

    /** How many of them are online. */
    online: () => online,

    /**
     * Puts a device where it is now, or takes it away.
     * @param {string} uid
     * @param {Point | null} point
     * @returns {boolean} whether that is anything new
     */
    put(uid, point) {
      const before = points.get(uid) ?? null;
      if (isSame(before, point)) return false;
      online += Number(point?.online ?? false) - Number(before?.online ?? false);
      if (point) points.set(uid, point);
      else points.delete(uid);
      return true;
    },
  };
}

/** @param {Point | null} one @param {Point | null} other */
function isSame(one, other) {
  if (!one || !other) return one === other;
  return one.latitude === other.latitude && one.longitude === other.longitude && one.online === other.online && one.alarming === other.alarming;
}

/** @typedef {ReturnType<typeof createPlaces>} Places */
