/** Alerts and their rules in words: pure. */

import { duration, moment, reading } from "../shell/format.js";
import { inWords } from "../shell/seconds.js";

export const SEVERITIES = /** @type {const} */ (["critical", "warning", "info"]);

/**
 * @typedef {"threshold" | "rate" | "missing" | "presence"} Kind
 * @typedef {{kind: Kind, metric?: string | null, above?: number | null, below?: number | null, clear_at?: number | null, window_s?: number, for_s?: number, offline_s?: number}} Condition
 * @typedef {{group_id?: number, rql?: string, device_uids?: string[]} | null} Scope
 *
 * @typedef {object} Alert as `GET /alerts` answers
 * @property {string} id
 * @property {string} rule_id
 * @property {string} rule_name
 * @property {"critical" | "warning" | "info"} severity
 * @property {string} device_uid
 * @property {Kind} kind
 * @property {string | null} metric
 * @property {number | null} value what opened it, in the metric's unit or in seconds
 * @property {number | null} threshold
 * @property {"active" | "cleared"} state
 * @property {number} version
 * @property {string} opened_at RFC 3339
 * @property {string | null} acknowledged_at
 * @property {string | null} acknowledged_by
 * @property {string | null} cleared_at
 * @property {string | null} cleared_by
 * @property {"recovered" | "person" | "rule" | "device" | null} clear_reason
 * @property {string | null} release the slug of the release that was touching the device
 * @property {string | null} session_id
 *
 * @typedef {object} Rule as `GET /alert-rules` answers
 * @property {string} id
 * @property {string} name
 * @property {"critical" | "warning" | "info"} severity
 * @property {Condition} condition
 * @property {number} for_s
 * @property {Scope} scope null for every device
 * @property {boolean} enabled
 * @property {string | null} silenced_until RFC 3339
 * @property {number} version
 */

/**
 * When a rule alerts.
 * @param {Condition} condition
 * @param {number} [holds] for how many seconds it must hold
 */
export function conditionInWords(condition, holds = 0) {
  const lasting = holds > 0 ? ` for ${inWords(holds)}` : "";
  const clears = condition.clear_at === null || condition.clear_at === undefined ? "" : `, until it is back at ${reading(condition.clear_at)}`;
  switch (condition.kind) {
    case "threshold":
      return `${condition.metric} ${limits(condition, "above", "below")}${lasting}${clears}`;
    case "rate":
      return `${condition.metric} changes within ${inWords(condition.window_s ?? 0)} ${limits(condition, "by more than", "by less than")}${lasting}${clears}`;
    case "missing":
      return `no ${condition.metric ?? "telemetry"} for ${inWords(condition.for_s ?? 0)}${lasting && `, and that${lasting}`}`;
    case "presence":
      return `away for ${inWords((condition.offline_s ?? 0) + holds)}`;
  }
}

/** @param {Condition} condition @param {string} over @param {string} under */
function limits({ above, below }, over, under) {
  const parts = [];
  if (above !== null && above !== undefined) parts.push(`${over} ${reading(above)}`);
  if (below !== null && below !== undefined) parts.push(`${under} ${reading(below)}`);
  return parts.join(" or ");
}

/**
 * Which devices a rule looks at.
 * @param {Scope} scope
 * @param {ReadonlyMap<number, string>} [groups] names by id
 */
export function scopeInWords(scope, groups) {
  if (scope === null) return "all devices";
  if (scope.group_id !== undefined && scope.group_id !== null) return `group ${groups?.get(scope.group_id) ?? scope.group_id}`;
  if (scope.rql) return scope.rql;
  const uids = scope.device_uids ?? [];
  return uids.length <= 3 ? uids.join(", ") : `${uids.length} devices`;
}

/** What opened an alert. @param {Pick<Alert, "kind" | "metric" | "value" | "threshold">} alert */
export function causeInWords({ kind, metric, value, threshold }) {
  if (kind === "presence") return value === null ? "away" : `away for ${duration(value * 1000)}`;
  if (kind === "missing") return `no ${metric ?? "telemetry"}${value === null ? "" : ` for ${duration(value * 1000)}`}`;
  const limit = threshold === null ? "" : `, the limit is ${reading(threshold)}`;
  const changed = kind === "rate" ? "changed by " : "";
  return `${metric ?? ""} ${changed}${value === null ? "" : reading(value)}${limit}`.trim();
}

const CLEARED = { recovered: "it is well again", person: "by a person", rule: "its rule was changed or removed", device: "its device is gone" };

/** How an alert stands. @param {Alert} alert */
export function standingInWords({ state, acknowledged_at: acknowledged, cleared_at: cleared, clear_reason: reason }) {
  if (state === "cleared") return `cleared ${cleared ? moment(cleared) : ""}${reason ? `: ${CLEARED[reason]}` : ""}`;
  return acknowledged ? "acknowledged" : "open";
}

/** Whether a rule keeps still now. @param {Pick<Rule, "silenced_until">} rule @param {number} now epoch milliseconds */
export const isSilent = ({ silenced_until: until }, now) => until !== null && Date.parse(until) > now;
