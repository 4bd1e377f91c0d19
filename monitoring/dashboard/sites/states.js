/** What the link to a site's broker is like, and what to do about it; the bodies that its forms come to. Pure. */

import { ApiError, asSentence } from "../problem.js";

/**
 * @typedef {"disabled" | "waiting" | "connecting" | "connected" | "refused" | "unreachable" | "forbidden"} LinkState
 *
 * @typedef {object} Site as `GET /sites` answers; the password is never in it
 * @property {number} id
 * @property {string} name
 * @property {string} host
 * @property {number} port
 * @property {string | null} username
 * @property {boolean} has_password
 * @property {boolean} tls
 * @property {string | null} ca_certificate
 * @property {string} topic_template
 * @property {string | null} description
 * @property {boolean} enabled
 * @property {number} version
 * @property {{state: LinkState, error: string | null, changed_at: string, last_message_at: string | null, forwarded: number, unknown: number, refused: number}} link
 *
 * @typedef {object} Form what a person says of a site
 * @property {string} name
 * @property {string} host
 * @property {string} port
 * @property {string} username
 * @property {string} password empty: that of before
 * @property {boolean} forget whether the password of before is taken away
 * @property {boolean} tls
 * @property {string} certificate
 * @property {string} template
 * @property {string} description
 * @property {boolean} enabled
 */

const NEXT = /** @type {Record<LinkState, string | null>} */ ({
  disabled: "Enable it to hear its devices.",
  waiting: "A worker takes the link up within seconds; if it stays so, no worker runs.",
  connecting: null,
  connected: null,
  refused: "The site's broker does not let the platform in: see the user name, the password and what they may subscribe to.",
  unreachable: "See the host, the port and whether TLS is spoken there.",
  forbidden: "The host has an address that the platform may not connect to; an operator can allow it.",
});

/** What to do about a link that is not well; null where there is nothing. @param {LinkState} state */
export const nextStep = (state) => NEXT[state];

/** Whether somebody has to look after it. @param {LinkState} state */
export const isUnwell = (state) => state === "refused" || state === "unreachable" || state === "forbidden";

/** The template that a site has without another. */
export const TEMPLATE = "devices/{uid}/telemetry";

/** @param {Site | null} site @returns {Form} */
export function formOf(site) {
  return {
    name: site?.name ?? "",
    host: site?.host ?? "",
    port: String(site?.port ?? 1883),
    username: site?.username ?? "",
    password: "",
    forget: false,
    tls: site?.tls ?? false,
    certificate: site?.ca_certificate ?? "",
    template: site?.topic_template ?? TEMPLATE,
    description: site?.description ?? "",
    enabled: site?.enabled ?? true,
  };
}

/** @param {string} text */
const orNull = (text) => text.trim() || null;

/**
 * The body as `POST /sites` takes it.
 * @param {Form} form
 */
export function creationOf(form) {
  return { ...described(form), password: form.password || null };
}

/**
 * What has changed, as `PATCH /sites/{id}` takes it; null when nothing has. A password that is not written stays.
 * @param {Form} form
 * @param {Site} site
 */
export function changeOf(form, site) {
  const before = described(formOf(site));
  const changed = Object.fromEntries(Object.entries(described(form)).filter(([member, value]) => value !== before[/** @type {keyof typeof before} */ (member)]));
  if (form.forget) Object.assign(changed, { password: null });
  else if (form.password) Object.assign(changed, { password: form.password });
  return Object.keys(changed).length > 0 ? changed : null;
}

/** @param {Form} form */
function described({ name, host, port, username, tls, certificate, template, description, enabled }) {
  return {
    name: name.trim(),
    host: host.trim(),
    port: Number(port),
    username: orNull(username),
    tls,
    ca_certificate: tls ? orNull(certificate) : null,
    topic_template: template.trim(),
    description: orNull(description),
    enabled,
  };
}

/** What is missing, by field. @param {Form} form @returns {Partial<Record<keyof Form, string>>} */
export function faultsOf({ name, host, port, template }) {
  return {
    ...(name.trim() === "" && { name: "Give the site a name." }),
    ...(host.trim() === "" && { host: "The broker's host name or address." }),
    ...(!(/^\d+$/.test(port.trim()) && Number(port) >= 1 && Number(port) <= 65_535) && { port: "A number from 1 to 65535." }),
    ...(!template.includes("{uid}") && { template: "It needs {uid}, the place of the device's uid." }),
  };
}

/** The fields that a body calls otherwise. */
const FIELDS = /** @type {Record<string, keyof Form>} */ ({ ca_certificate: "certificate", topic_template: "template" });

/**
 * What the platform found wrong, by field; of what is no field it says nothing.
 * @param {Error | null} error
 * @returns {Partial<Record<keyof Form, string>>}
 */
export function placesOf(error) {
  if (!(error instanceof ApiError)) return {};
  const fields = Object.keys(formOf(null));
  const found = error.places.map(({ location, message }) => [FIELDS[location.at(-1) ?? ""] ?? location.at(-1), asSentence(message)]);
  return Object.fromEntries(found.filter(([field]) => fields.includes(field)));
}
