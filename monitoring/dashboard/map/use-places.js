/** The devices with a position, as they are now: what one measures comes before what was written down of it. */

import { effect, useEffect, useMemo, useSignal } from "../view.js";
import { useAgain } from "../again.js";
import { createListing } from "../listing.js";
import { useApp } from "../shell/context.js";
import { createPlaces } from "./places.js";
import { measuredPlace, placeIn, PLACED } from "./positions.js";

const REPAINT_MS = 1_000;
const LOOK_AGAIN_MS = 30_000;

/**
 * @typedef {object} Seen
 * @property {number} count how many devices are on the map
 * @property {number} online how many of them are online
 * @property {string[]} changed what is new since the last time, by uid
 * @property {number} members grows when a device comes or goes
 */

/** Devices that have said something are looked at once a second, and no others. */
export function usePlaces() {
  const { feed, names } = useApp();
  const list = usePlaced();
  const places = useMemo(createPlaces, []);
  const seen = useSignal(/** @type {Seen} */ ({ count: 0, online: 0, changed: [], members: 0 }));

  useEffect(() => {
    names.take(list.items.value);
    const written = new Map(list.items.value.map((device) => [device.device_uid, placeIn(device.reported_attributes) ?? placeIn(device.attributes)]));
    const touched = new Set([...places.points.keys(), ...written.keys(), ...feed.uids()]);
    /** @type {Set<string>} */
    let alarming = new Set();

    /** @param {string} uid @returns {import("./world.js").Point | null} */
    function pointOf(uid) {
      const { presence, reading } = feed.device(uid);
      const place = measuredPlace(reading.peek()) ?? written.get(uid);
      return place ? { uid, latitude: place.latitude, longitude: place.longitude, online: presence.peek()?.online ?? false, alarming: alarming.has(uid) } : null;
    }

    function look() {
      if (document.hidden || touched.size === 0) return;
      const before = places.points.size;
      let come = 0;
      const changed = [...touched].filter((uid) => {
        const isNew = !places.points.has(uid);
        const isChanged = places.put(uid, pointOf(uid));
        come += Number(isNew && isChanged);
        return isChanged;
      });
      touched.clear();
      if (changed.length === 0) return;
      const { size: count } = places.points;
      const { members } = seen.peek();
      seen.value = { count, online: places.online(), changed, members: members + Number(come > 0 || count < before) };
    }

    const unheard = feed.onDevice((uid) => touched.add(uid));
    const unalarmed = effect(() => {
      const now = new Set([...feed.alerts.items.value.values()].filter(({ state }) => state === "active").map((alert) => alert.device_uid));
      for (const uid of now) if (!alarming.delete(uid)) touched.add(uid);
      for (const uid of alarming) touched.add(uid);
      alarming = now;
    });
    look();
    const timer = setInterval(look, REPAINT_MS);
    return () => {
      unheard();
      unalarmed();
      clearInterval(timer);
    };
  }, [list.items.value]);
  return { list, places, seen: seen.value };
}

/** The devices whose attributes may say where they are, read again now and then. */
function usePlaced() {
  const { api } = useApp();
  const list = useMemo(() => {
    /** @type {import("../listing.js").Listing<import("../fleet/inventory.js").Device>} */
    const listing = createListing(api, "/devices", { query: { rql: PLACED }, page: 500, whole: true });
    return listing;
  }, []);
  useEffect(() => void list.load(), [list]);
  useAgain(list.load, LOOK_AGAIN_MS);
  return list;
}
