/** The outlines of the countries, from the topology that they come in: pure. */

/**
 * @typedef {[number, number][]} Line
 * @typedef {object} Topology of TopoJSON: arcs are given as differences of whole numbers
 * @property {[number, number][][]} arcs
 * @property {{scale: [number, number], translate: [number, number]}} transform
 * @property {{countries: {geometries: {type: string, arcs: any[]}[]}}} objects
 */

/**
 * Each country as rings of latitude and longitude.
 * @param {Topology} topology
 * @returns {Line[][]} polygons, each with its outer ring first
 */
export function polygons({ arcs, transform: { scale, translate }, objects }) {
  const lines = arcs.map((arc) => {
    let [x, y] = [0, 0];
    return arc.map(([dx, dy]) => /** @type {[number, number]} */ ([(y += dy) * scale[1] + translate[1], (x += dx) * scale[0] + translate[0]]));
  });

  /** An arc that is named by its complement is walked backwards; where two meet, their common point is there once. @param {number[]} named @returns {Line} */
  const ring = (named) => named.flatMap((index, at) => (index < 0 ? lines[~index].toReversed() : lines[index]).slice(at === 0 ? 0 : 1));

  return objects.countries.geometries.flatMap((geometry) => {
    const shapes = geometry.type === "Polygon" ? [geometry.arcs] : geometry.type === "MultiPolygon" ? geometry.arcs : [];
    return shapes.map((rings) => rings.map(ring));
  });
}
