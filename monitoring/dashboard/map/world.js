/** The map itself: Leaflet on one canvas, the world's outlines, and a dot for each device. It knows nothing of the page around it. */

import { CircleMarker, Map as LeafletMap, canvas, latLngBounds, polygon } from "../vendor/leaflet.js";
import { polygons } from "./outlines.js";

const OUTLINES = "vendor/countries.json";
const RADIUS = 6;
const PICKED_RADIUS = 9;
/** Closer than this the outlines have nothing more to say. */
const CLOSE = 7;

/** @typedef {{uid: string, latitude: number, longitude: number, online: boolean, alarming: boolean}} Point */
/** @typedef {{land: string, border: string, live: string, away: string, paper: string, alarm: string}} Colours */

/**
 * @param {HTMLElement} box
 * @param {Colours} colours
 * @param {(uid: string) => void} pick hears which device was pointed at
 */
export function createWorld(box, colours, pick) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const map = new LeafletMap(box, {
    attributionControl: false,
    renderer: canvas({ padding: 0.4, tolerance: 4 }),
    worldCopyJump: true,
    minZoom: 2,
    maxZoom: 18,
    zoomAnimation: !still,
    fadeAnimation: false,
  }).setView([30, 10], 2);
  /** @type {globalThis.Map<string, any>} */
  const dots = new globalThis.Map();
  const abort = new AbortController();
  let framed = false;
  /** @type {string | null} */
  let picked = null;
  const observer = new ResizeObserver(() => map.invalidateSize({ animate: false }));
  observer.observe(box);

  fetch(OUTLINES, { signal: abort.signal })
    .then((answer) => answer.json())
    .then((topology) => {
      for (const rings of polygons(topology)) polygon(rings, { color: colours.border, weight: 0.7, fillColor: colours.land, fillOpacity: 1, interactive: false }).addTo(map).bringToBack();
    })
    .catch(() => null); // Without the outlines the dots still stand where they are.

  /** @param {Point} point */
  const style = ({ online, alarming }) => ({
    color: alarming ? colours.alarm : online ? colours.paper : colours.away,
    weight: alarming ? 3 : 1.5,
    fillColor: online ? colours.live : colours.paper,
    fillOpacity: 1,
  });

  /** @param {Point} point */
  function put(point) {
    const place = /** @type {[number, number]} */ ([point.latitude, point.longitude]);
    const dot = dots.get(point.uid);
    if (dot) dot.setLatLng(place).setStyle(style(point));
    else dots.set(point.uid, new CircleMarker(place, { radius: RADIUS, ...style(point) }).on("click", () => pick(point.uid)).addTo(map));
  }

  /** @param {string} uid */
  function drop(uid) {
    dots.get(uid)?.remove();
    dots.delete(uid);
  }

  return {
    /** Puts the dots of these devices where they are now. @param {Iterable<string>} uids @param {ReadonlyMap<string, Point>} points of all devices */
    show(uids, points) {
      for (const uid of uids) {
        const point = points.get(uid);
        if (point) put(point);
        else drop(uid);
      }
      if (!framed && dots.size > 0) this.frame();
    },

    /** Everything that is there, in one view. */
    frame() {
      framed = true;
      map.fitBounds(latLngBounds([...dots.values()].map((dot) => dot.getLatLng())), { padding: [40, 40], maxZoom: CLOSE, animate: false });
    },

    /** Marks a device and lets go of the one before. @param {string | null} uid */
    mark(uid) {
      if (picked) dots.get(picked)?.setRadius(RADIUS);
      picked = uid;
      if (uid) dots.get(uid)?.setRadius(PICKED_RADIUS).bringToFront();
    },

    /** @param {string} uid */
    approach(uid) {
      const dot = dots.get(uid);
      if (dot) map.setView(dot.getLatLng(), Math.max(map.getZoom(), CLOSE), { animate: !still });
    },

    end() {
      abort.abort();
      observer.disconnect();
      map.remove();
    },
  };
}

/** @typedef {ReturnType<typeof createWorld>} World */
