import assert from "node:assert/strict";
import { test } from "node:test";
import { polygons } from "../map/outlines.js";
import { createPlaces } from "../map/places.js";
import { measuredPlace, placeIn, PLACED } from "../map/positions.js";

test("a position is found in attributes under its usual names, and only a sensible one", () => {
  const hamburg = { latitude: 53.5, longitude: 10 };
  for (const said of [hamburg, { lat: 53.5, lon: "10" }, { position: hamburg }, { location: { lat: 53.5, lng: 10 } }, { position: "north", gps: hamburg }])
    assert.deepEqual(placeIn(said), hamburg);
  for (const said of [undefined, {}, { latitude: 91, longitude: 0 }, { latitude: "", longitude: "" }, { lat: null, lon: 1 }, { position: [1, 2] }, { latitude: 1 }])
    assert.equal(placeIn(said), null);
  assert.match(PLACED, /^or\(exists\(attributes\/position\),.*exists\(reported_attributes\/lat\)\)$/);
});

test("what a device measures is where it is", () => {
  const reading = (latitude, longitude) => ({ ts: 1, metrics: new Map([["latitude", { value: latitude, ts: 1 }], ["longitude", { value: longitude, ts: 1 }]]) });
  assert.deepEqual(measuredPlace(reading(-33.9, 18.4)), { latitude: -33.9, longitude: 18.4 });
  assert.equal(measuredPlace(reading(true, 18)), null);
  assert.equal(measuredPlace(null), null);
});

test("outlines are walked arc by arc, forwards and backwards, each common point once", () => {
  const topology = {
    transform: { scale: [1, 1], translate: [10, 20] },
    arcs: [[[0, 0], [1, 0], [0, 1]], [[0, 0], [0, 1], [1, 0]]],
    objects: { countries: { geometries: [{ type: "Polygon", arcs: [[0, -2]] }, { type: "MultiPolygon", arcs: [[[0, -2]], [[1]]] }, { type: null }] } },
  };
  const [first, ...others] = polygons(topology);
  assert.deepEqual(first, [[[20, 10], [20, 11], [21, 11], [21, 10], [20, 10]]]);
  assert.equal(others.length, 2);
});

test("only what is new of a device is told, and those that are online are counted on the way", () => {
  const places = createPlaces();
  const point = (uid, changed = {}) => ({ uid, latitude: 1, longitude: 2, online: true, alarming: false, ...changed });
  assert.ok(places.put("a", point("a")) && places.put("b", point("b", { online: false })));
  assert.ok(!places.put("a", point("a")) && !places.put("nowhere", null));
  assert.deepEqual([places.points.size, places.online()], [2, 1]);
  for (const changed of [{ latitude: 3 }, { longitude: 4 }, { alarming: true }, { online: true }]) assert.ok(places.put("b", point("b", changed)));
  assert.equal(places.online(), 2);
  assert.ok(places.put("b", null) && !places.put("b", null));
  assert.deepEqual([[...places.points.keys()], places.online()], [["a"], 1]);
});
