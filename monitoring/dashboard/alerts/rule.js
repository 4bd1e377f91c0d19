/** A rule while a person writes it: the form, the body that it comes to, and what is still wrong with it. Pure. */

import { uidsOf } from "../releases/wizard/draft.js";
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

const LENGTH = "A length of time, like 90 s, 30 min, 2 h or 1 d.";

/** What is wrong, by field. @param {Form} form @returns {Partial<Record<string, string>>} */
export function faultsOf(form) {
  const { name, kind, metric, above, below, clearAt, window, silence, lasting, selection } = form;
  /** @type {Record<string, string>} */
  const faults = {};
  if (name.trim() === "") faults.name = "Give the rule a name.";
  if (waits(kind)) {
    if (metric.trim() === "") faults.metric = "Which metric?";
    if (above.trim() === "" && below.trim() === "") faults.above = "Give a limit, above or below or both.";
    for (const [field, written] of Object.entries({ above, below, clearAt })) if (!isNumber(written)) faults[field] = "A number.";
    if (kind === "rate" && !secondsOf(window)) faults.window = LENGTH;
    if (secondsOf(lasting) === undefined) faults.lasting = LENGTH;
  } else if (!secondsOf(silence)) faults.silence = LENGTH;
  const unsaid = missing(selection);
  if (unsaid) faults.selection = unsaid;
  return faults;
}

/** @param {string} written */
const isNumber = (written) => written.trim() === "" || Number.isFinite(Number(written));

/** @param {Form["selection"]} selection */
function missing({ kind, chosen, rql, uids }) {
  if (kind === "group" && chosen === "") return "Choose a group.";
  if (kind === "rql" && rql.trim() === "") return "Write a query.";
  if (kind === "named" && uidsOf(uids).length === 0) return "Name at least one device by its uid.";
  return null;
}
