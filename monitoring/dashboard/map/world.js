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

  return {
    /** Puts every dot where it is now. @param {Point[]} points */
    show(points) {
      const gone = new Set(dots.keys());
      for (const point of points) {
        gone.delete(point.uid);
        const place = /** @type {[number, number]} */ ([point.latitude, point.longitude]);
        const held = dots.get(point.uid);
        if (!held) {
          const dot = new CircleMarker(place, { radius: RADIUS, ...style(point) }).on("click", () => pick(point.uid)).addTo(map);
          dots.set(point.uid, { dot, point });
          continue;
        }
        if (held.point.latitude !== point.latitude || held.point.longitude !== point.longitude) held.dot.setLatLng(place);
        if (held.point.online !== point.online || held.point.alarming !== point.alarming) held.dot.setStyle(style(point));
        held.point = point;
      }
      for (const uid of gone) {
        dots.get(uid).dot.remove();
        dots.delete(uid);
      }
      if (!framed && points.length > 0) this.frame();
    },

    /** Everything that is there, in one view. */
    frame() {
      framed = true;
      map.fitBounds(latLngBounds([...dots.values()].map(({ dot }) => dot.getLatLng())), { padding: [40, 40], maxZoom: CLOSE, animate: false });
    },

    /** Marks a device and lets go of the one before. @param {string | null} uid */
    mark(uid) {
      if (picked) dots.get(picked)?.dot.setRadius(RADIUS);
      picked = uid;
      if (uid) dots.get(uid)?.dot.setRadius(PICKED_RADIUS).bringToFront();
    },

    /** @param {string} uid */
    approach(uid) {
      const held = dots.get(uid);
      if (held) map.setView(held.dot.getLatLng(), Math.max(map.getZoom(), CLOSE), { animate: !still });
    },

    end() {
      abort.abort();
      observer.disconnect();
      map.remove();
    },
  };
}

/** @typedef {ReturnType<typeof createWorld>} World */
