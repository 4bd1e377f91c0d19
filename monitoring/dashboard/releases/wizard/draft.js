/** A release while a person draws it up: what they have said, the document that it comes to, and what is still wrong. Pure. */

import { isMetricName, NO_METRIC_NAME } from "../../shell/metric-name.js";
import { inWords, secondsOf } from "../../shell/seconds.js";

const LONGEST_CANARY_S = 7 * 86_400;
const MOST_TOLERATED = 1_000;

/** @typedef {"firmware" | "devices" | "waves" | "rules" | "check"} Step */

/** @type {readonly Step[]} */
export const STEPS = ["firmware", "devices", "waves", "rules", "check"];

/**
 * @typedef {"all" | "group" | "site" | "rql" | "named"} Kind
 * @typedef {{kind: Kind, name: string, chosen: string, rql: string, uids: string}} Cluster `chosen` is the id of a group or site
 * @typedef {{percent: string, soak: string, canary: boolean}} Wave `canary`: whether its devices are compared with others
 * @typedef {{metric: string, worse: "higher" | "lower", tolerance: string}} Criterion
 *
 * @typedef {object} Draft all texts as they are written
 * @property {string} name
 * @property {string} description
 * @property {{id: number, floor: string}[]} apps in the order of their installation
 * @property {Cluster[]} clusters
 * @property {Wave[]} waves
 * @property {string} success percent
 * @property {string} failure percent
 * @property {"pause" | "fail" | "rollback"} onFailure
 * @property {string} longest how long a wave may take
 * @property {string} perHour
 * @property {string} concurrency
 * @property {string} perSite
 * @property {boolean} windowed
 * @property {string} begins hours and minutes
 * @property {string} ends
 * @property {string[]} days
 * @property {string} startAt as `<input type="datetime-local">` has it
 * @property {boolean} approval
 * @property {boolean} joinLate
 * @property {boolean} consent
 * @property {boolean} force
 * @property {string} deadline
 * @property {string} deviceSoak
 * @property {Criterion[]} canaryMetrics
 * @property {boolean} canaryAlerts
 * @property {string} canaryWindow
 * @property {string} canaryLeast how many devices there must be on either side
 */

/** What matches every device. */
export const EVERY_DEVICE = "exists(device_uid)";

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/** @returns {Cluster} */
export const newCluster = () => ({ kind: "all", name: "", chosen: "", rql: "", uids: "" });

/** @returns {Draft} */
export function newDraft() {
  return {
    name: "",
    description: "",
    apps: [],
    clusters: [newCluster()],
    waves: wavesOf([10, 40, 50]),
    success: "90",
    failure: "10",
    onFailure: "pause",
    longest: "",
    perHour: "",
    concurrency: "",
    perSite: "",
    windowed: false,
    begins: "22:00",
    ends: "05:00",
    days: [...DAYS],
    startAt: "",
    approval: false,
    joinLate: false,
    consent: false,
    force: false,
    deadline: "",
    deviceSoak: "",
    canaryMetrics: [],
    canaryAlerts: true,
    canaryWindow: "1 h",
    canaryLeast: "5",
  };
}

/** @returns {Criterion} */
export const newCriterion = () => ({ metric: "", worse: "higher", tolerance: "10" });

/** @param {number[]} percentages @param {string} [soak] @returns {Wave[]} */
export const wavesOf = (percentages, soak = "30 min") => percentages.map((percent, place) => ({ percent: String(percent), soak: place < percentages.length - 1 ? soak : "", canary: false }));

/** The percentages of the waves, added up. @param {Draft} draft */
export const total = (draft) => draft.waves.reduce((sum, { percent }) => sum + (Number(percent) || 0), 0);

/** The uids in a text, whatever stands between them. @param {string} text */
export const uidsOf = (text) => text.split(/[\s,;]+/).filter(Boolean);

/** @param {string} text */
const whole = (text) => (text.trim() === "" ? undefined : Number(text));

/** @param {string} text */
const length = (text) => secondsOf(text) ?? undefined;

/**
 * The document as `POST /releases` takes it.
 * @param {Draft} draft
 */
export function documentOf(draft) {
  const said = {
    name: draft.name.trim() || "Unnamed",
    description: draft.description.trim() || undefined,
    bundle: { apps: draft.apps.map(({ id, floor }) => ({ firmware_id: id, floor: floor.trim() || undefined })) },
    clusters: draft.clusters.map(clusterOf),
    waves: draft.waves.map((wave, place) => ({ percent: whole(wave.percent), soak_s: length(wave.soak), canary: isWatched(draft, place) ? criteriaOf(draft) : undefined })),
    success_threshold: whole(draft.success),
    failure_threshold: whole(draft.failure),
    on_failure: draft.onFailure,
    max_s: length(draft.longest),
    max_per_hour: whole(draft.perHour),
    concurrency: whole(draft.concurrency),
    per_site: whole(draft.perSite),
    window: draft.windowed ? { begins: draft.begins, ends: draft.ends, days: DAYS.filter((day) => draft.days.includes(day)) } : undefined,
    start_at: draft.startAt ? new Date(draft.startAt).toISOString() : undefined,
    approval: draft.approval,
    join_late: draft.joinLate,
    consent: draft.consent,
    force: draft.force,
    deadline_s: length(draft.deadline),
    device_soak_s: length(draft.deviceSoak),
  };
  return JSON.parse(JSON.stringify(said));
}

/** Whether a wave's devices are compared with others; after the last one there is nothing to hold back. @param {Draft} draft @param {number} place */
export const isWatched = ({ waves }, place) => waves[place].canary && place < waves.length - 1;

/** @param {Draft} draft */
function criteriaOf({ canaryMetrics, canaryAlerts, canaryWindow, canaryLeast }) {
  return {
    metrics: canaryMetrics.map(({ metric, worse, tolerance }) => ({ metric: metric.trim(), worse, tolerance_percent: whole(tolerance) })),
    alerts: canaryAlerts,
    window_s: length(canaryWindow),
    min_devices: whole(canaryLeast),
  };
}

/** @param {Cluster} cluster */
function clusterOf(cluster) {
  const name = cluster.name.trim() || undefined;
  switch (cluster.kind) {
    case "all":
      return { name, rql: EVERY_DEVICE };
    case "group":
      return { name, group_id: whole(cluster.chosen) };
    case "site":
      return { name, site_id: whole(cluster.chosen) };
    case "rql":
      return { name, rql: cluster.rql.trim() };
    case "named":
      return { name, device_uids: uidsOf(cluster.uids) };
  }
}

/** @typedef {{step: Step, field: string, message: string}} Fault */

/**
 * What a person still has to mend before the platform is asked.
 * @param {Draft} draft
 * @returns {Fault[]}
 */
export function faultsOf(draft) {
  /** @type {Fault[]} */
  const faults = [];
  const wrong = (/** @type {Step} */ step, /** @type {string} */ field, /** @type {string} */ message) => faults.push({ step, field, message });
  if (draft.apps.length === 0) wrong("firmware", "apps", "Choose at least one firmware.");
  draft.clusters.forEach((cluster, place) => {
    const empty = emptyCluster(cluster);
    if (empty) wrong("devices", `clusters.${place}`, empty);
  });
  draft.waves.forEach(({ percent, soak }, place) => {
    if (!isPercent(percent)) wrong("waves", `waves.${place}`, "A wave's share is 1 to 100 percent.");
    if (secondsOf(soak) === undefined) wrong("waves", `waves.${place}.soak`, NO_LENGTH);
  });
  if (draft.waves.every(({ percent }) => isPercent(percent)) && total(draft) !== 100) wrong("waves", "waves", `The shares add up to ${total(draft)} percent, not to 100.`);
  if (draft.waves.some((_, place) => isWatched(draft, place))) for (const [field, message] of canaryFaults(draft)) wrong("waves", field, message);
  if (!isPercent(draft.success)) wrong("waves", "success", "1 to 100 percent.");
  if (!isPercent(draft.failure)) wrong("waves", "failure", "1 to 100 percent.");
  for (const field of /** @type {const} */ (["longest"])) if (isNoLength(draft[field])) wrong("waves", field, NO_LENGTH);
  for (const field of /** @type {const} */ (["deadline", "deviceSoak"])) if (isNoLength(draft[field])) wrong("rules", field, NO_LENGTH);
  for (const field of /** @type {const} */ (["perHour", "concurrency", "perSite"])) if (draft[field].trim() !== "" && !isCount(draft[field])) wrong("rules", field, "A whole number of devices.");
  if (draft.windowed && draft.days.length === 0) wrong("rules", "days", "Choose at least one day.");
  if (draft.startAt !== "" && Number.isNaN(Date.parse(draft.startAt))) wrong("rules", "startAt", "A day and a time.");
  if (draft.name.trim() === "") wrong("check", "name", "Give the release a name.");
  return faults;
}

const NO_LENGTH = "A length of time, like 90 s, 30 min, 2 h or 1 d.";

/** @param {Draft} draft @returns {[string, string][]} */
function canaryFaults({ canaryMetrics, canaryAlerts, canaryWindow, canaryLeast }) {
  /** @type {[string, string][]} */
  const faults = [];
  if (canaryMetrics.length === 0 && !canaryAlerts) faults.push(["canary", "Name a metric, or let alerts count."]);
  const names = canaryMetrics.map(({ metric }) => metric.trim());
  if (names.some((name) => !isMetricName(name))) faults.push(["canary", NO_METRIC_NAME]);
  else if (new Set(names).size < names.length) faults.push(["canary", "Compare each metric once."]);
  else if (canaryMetrics.some(({ tolerance }) => !isTolerance(tolerance))) faults.push(["canary", `What is tolerated is a whole number of percent, at most ${MOST_TOLERATED}.`]);
  const window = secondsOf(canaryWindow) ?? 0;
  if (window < 60 || window > LONGEST_CANARY_S) faults.push(["canaryWindow", `A minute to ${inWords(LONGEST_CANARY_S)}, like 30 min or 2 h.`]);
  if (!(isCount(canaryLeast) && Number(canaryLeast) >= 2)) faults.push(["canaryLeast", "At least 2 devices."]);
  return faults;
}

/** @param {string} text */
const isTolerance = (text) => /^\d{1,4}$/.test(text.trim()) && Number(text) <= MOST_TOLERATED;
/** @param {string} text */
const isPercent = (text) => /^\d+$/.test(text.trim()) && Number(text) >= 1 && Number(text) <= 100;
/** @param {string} text */
const isCount = (text) => /^\d+$/.test(text.trim()) && Number(text) >= 1;
/** @param {string} text */
const isNoLength = (text) => secondsOf(text) === undefined || secondsOf(text) === 0;

/** @param {Cluster} cluster */
function emptyCluster({ kind, chosen, rql, uids }) {
  if (kind === "group" && chosen === "") return "Choose a group.";
  if (kind === "site" && chosen === "") return "Choose a site.";
  if (kind === "rql" && rql.trim() === "") return "Write a query.";
  if (kind === "named" && uidsOf(uids).length === 0) return "Name at least one device by its uid.";
  return null;
}

/** The step at which the platform's words about a place in the document are mended. @param {(string | number)[]} location */
export function stepOf(location) {
  const [member] = location[0] === "body" ? location.slice(1) : location;
  switch (member) {
    case "bundle":
      return "firmware";
    case "clusters":
      return "devices";
    case "waves":
    case "success_threshold":
    case "failure_threshold":
    case "on_failure":
    case "max_s":
      return "waves";
    case "name":
    case "slug":
    case "description":
      return "check";
    default:
      return "rules";
  }
}
