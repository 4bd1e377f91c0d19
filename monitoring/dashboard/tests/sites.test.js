import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../problem.js";
import { changeOf, creationOf, faultsOf, formOf, placesOf } from "../sites/states.js";

const site = {
  id: 7, name: "Plant", host: "broker.plant", port: 8883, username: "muster", has_password: true, tls: true, ca_certificate: "PEM",
  topic_template: "devices/{uid}/telemetry", description: null, enabled: true, version: 3,
};

test("a form left as it is changes nothing, and a password that is not written stays", () => {
  assert.equal(changeOf(formOf(site), site), null);
  assert.deepEqual(changeOf({ ...formOf(site), name: " Plant 2 " }, site), { name: "Plant 2" });
  assert.deepEqual(changeOf({ ...formOf(site), password: "new" }, site), { password: "new" });
  assert.deepEqual(changeOf({ ...formOf(site), forget: true, password: "new" }, site), { password: null });
});

test("without TLS there is no certificate, and an emptied user name is taken away", () => {
  assert.deepEqual(changeOf({ ...formOf(site), tls: false, username: "" }, site), { username: null, tls: false, ca_certificate: null });
});

test("a new site has what was written and nothing of what was not", () => {
  assert.deepEqual(creationOf({ ...formOf(null), name: "Plant", host: "h", password: "p" }), {
    name: "Plant", host: "h", port: 1883, username: null, password: "p", tls: false, ca_certificate: null,
    topic_template: "devices/{uid}/telemetry", description: null, enabled: true,
  });
});

test("what is missing is told by its field", () => {
  assert.deepEqual(Object.keys(faultsOf({ ...formOf(null), port: "0", template: "telemetry" })), ["name", "host", "port", "template"]);
  assert.deepEqual(faultsOf(formOf(site)), {});
});

test("what the platform finds wrong is told by its field, as a sentence", () => {
  const refused = (...places) => placesOf(new ApiError(422, "validation_failed", "No.", places));
  assert.deepEqual(refused({ location: ["body", "host"], message: "a host name" }, { location: ["body", "topic_template"], message: "Too long" }), {
    host: "A host name.", template: "Too long.",
  });
  assert.deepEqual(refused({ location: ["body"], message: "Not an object" }), {});
  assert.deepEqual(placesOf(new Error("away")), {});
});
