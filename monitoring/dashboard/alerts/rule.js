/** A rule while a person writes it: the form, the body that it comes to, and what is still wrong with it. Pure. */

import { uidsOf } from "../releases/wizard/draft.js";
import { isMetricName, NO_METRIC_NAME } from "../shell/metric-name.js";
import { inWords, secondsOf } from "../shell/seconds.js";

/**
 * @typedef {object} Form all texts as they are written
 * @property {string} name
 * @property {"critical" | "warning" | "info"} severity
 * @property {import("./words.js").Kind} kind
 * @property {string} metric
 * @property {string} above
 * @property {string} below
 * @property {string} clearAt
 * @property {string} window
 * @property {string} silence how long nothing may be heard, or a device be away
 * @property {string} lasting how long the condition must hold
 * @property {import("../releases/selection-field.js").Selection} selection
 * @property {boolean} enabled
 */

/** @param {import("./words.js").Rule | null} rule @returns {Form} */
export function formOf(rule) {
  const condition = rule?.condition;
  return {
    name: rule?.name ?? "",
    severity: rule?.severity ?? "warning",
    kind: condition?.kind ?? "threshold",
    metric: condition?.metric ?? "",
    above: text(condition?.above),
    below: text(condition?.below),
    clearAt: text(condition?.clear_at),
    window: inWords(condition?.window_s ?? 600),
    silence: inWords(condition?.offline_s ?? (condition?.kind === "missing" ? condition.for_s : undefined) ?? 300),
    lasting: rule && rule.for_s > 0 ? inWords(rule.for_s) : "",
    selection: selectionOf(rule?.scope ?? null),
    enabled: rule?.enabled ?? true,
  };
}

/** @param {number | null | undefined} value */
const text = (value) => (value === null || value === undefined ? "" : String(value));

/** @param {import("./words.js").Scope} scope @returns {Form["selection"]} */
function selectionOf(scope) {
  const empty = { chosen: "", rql: "", uids: "" };
  if (scope?.rql) return { ...empty, kind: "rql", rql: scope.rql };
  if (scope?.group_id) return { ...empty, kind: "group", chosen: String(scope.group_id) };
  if (scope?.device_uids) return { ...empty, kind: "named", uids: scope.device_uids.join("\n") };
  return { ...empty, kind: "all" };
}

/**
 * The body as `POST /alert-rules` takes it, and `PATCH` too.
 * @param {Form} form
 */
export function bodyOf(form) {
  return {
    name: form.name.trim(),
    severity: form.severity,
    condition: conditionOf(form),
    for_s: waits(form.kind) ? (secondsOf(form.lasting) ?? 0) : 0,
    scope: scopeOf(form.selection),
    enabled: form.enabled,
  };
}

/** Whether a condition of this kind has a time of its own for which it must hold. @param {Form["kind"]} kind */
export const waits = (kind) => kind === "threshold" || kind === "rate";

/** @param {Form} form @returns {import("./words.js").Condition} */
function conditionOf({ kind, metric, above, below, clearAt, window, silence }) {
  const bounds = {
    ...(above.trim() && { above: Number(above) }),
    ...(below.trim() && { below: Number(below) }),
    ...(clearAt.trim() && { clear_at: Number(clearAt) }),
  };
  switch (kind) {
    case "threshold":
      return { kind, metric: metric.trim(), ...bounds };
    case "rate":
      return { kind, metric: metric.trim(), window_s: secondsOf(window) ?? 0, ...bounds };
    case "missing":
      return { kind, ...(metric.trim() && { metric: metric.trim() }), for_s: secondsOf(silence) ?? 0 };
    case "presence":
      return { kind, offline_s: secondsOf(silence) ?? 0 };
  }
}

/** @param {Form["selection"]} selection */
function scopeOf({ kind, chosen, rql, uids }) {
  if (kind === "group") return { group_id: Number(chosen) };
  if (kind === "rql") return { rql: rql.trim() };
  if (kind === "named") return { device_uids: uidsOf(uids) };
  return null;
}

const DAY_S = 86_400;

/** The longest that the platform takes: of what must hold, of what is looked back at, of silence and absence. */
const LONGEST = { lasting: 7 * DAY_S, window: DAY_S, silence: 30 * DAY_S };

/** What is wrong, by field. @param {Form} form @returns {Partial<Record<string, string>>} */
export function faultsOf(form) {
  const { name, kind, metric, above, below, window, silence, lasting, selection } = form;
  /** @type {Record<string, string>} */
  const faults = {};
  if (name.trim() === "") faults.name = "Give the rule a name.";
  if (kind !== "presence" && metric.trim() !== "" && !isMetricName(metric)) faults.metric = NO_METRIC_NAME;
  if (waits(kind)) {
    if (metric.trim() === "") faults.metric = "Which metric?";
    if (above.trim() === "" && below.trim() === "") faults.above = "Give a limit, above or below or both.";
    Object.assign(faults, faultsOfLimits(form));
    if (kind === "rate" && !isLength(window, LONGEST.window)) faults.window = lengthUpTo(LONGEST.window);
    if (lasting.trim() !== "" && secondsOf(lasting) !== 0 && !isLength(lasting, LONGEST.lasting)) faults.lasting = lengthUpTo(LONGEST.lasting);
  } else if (!isLength(silence, LONGEST.silence)) faults.silence = lengthUpTo(LONGEST.silence);
  const unsaid = missing(selection);
  if (unsaid) faults.selection = unsaid;
  return faults;
}

/** @param {Form} form @returns {Record<string, string>} */
function faultsOfLimits({ above, below, clearAt }) {
  /** @type {Record<string, string>} */
  const faults = {};
  for (const [field, written] of Object.entries({ above, below, clearAt })) if (!isNumber(written)) faults[field] = "A number.";
  if (Object.keys(faults).length > 0) return faults;
  const [upper, lower, end] = [above, below, clearAt].map((written) => (written.trim() === "" ? null : Number(written)));
  if (upper !== null && lower !== null && lower > upper) faults.below = "Not more than the upper limit.";
  if (end === null) return faults;
  if (upper !== null && lower !== null) faults.clearAt = "It goes with one limit alone.";
  else if (upper !== null && end > upper) faults.clearAt = "Not more than the limit.";
  else if (lower !== null && end < lower) faults.clearAt = "Not less than the limit.";
  return faults;
}

/** @param {string} written @param {number} longest in seconds */
function isLength(written, longest) {
  const seconds = secondsOf(written);
  return Boolean(seconds) && Number(seconds) <= longest;
}

/** @param {number} longest in seconds */
const lengthUpTo = (longest) => `A length of time, like 90 s, 30 min or 2 h, and at most ${inWords(longest)}.`;

/** @param {string} written */
const isNumber = (written) => written.trim() === "" || Number.isFinite(Number(written));

/** @param {Form["selection"]} selection */
function missing({ kind, chosen, rql, uids }) {
  if (kind === "group" && chosen === "") return "Choose a group.";
  if (kind === "rql" && rql.trim() === "") return "Write a query.";
  if (kind === "named" && uidsOf(uids).length === 0) return "Name at least one device by its uid.";
  return null;
}
