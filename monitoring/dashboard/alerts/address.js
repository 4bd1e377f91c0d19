/** The addresses of alerts and their rules. */

import { href } from "../shell/router.js";

export const RULES = "rules";

export const RULES_HREF = href("alerts", [RULES]);

/** @param {Record<string, string | null | undefined>} [query] `state`, `severity`, `acknowledged`, `rule`, `device` */
export const alertsHref = (query) => href("alerts", [], query);

/** @param {string} id */
export const alertHref = (id) => href("alerts", [id]);
