/** What a page hears of the organization while it is open. */

import { useEffect } from "../view.js";
import { useApp } from "../shell/context.js";

/** What a person must be allowed, to hear of it. */
const SCOPES = /** @type {const} */ ({ presence: "devices:read", alerts: "telemetry:read", releases: "updates:read", batches: "updates:read" });

/**
 * @param {(keyof typeof SCOPES)[]} topics
 * @param {(scope: string) => boolean} can
 */
export const heardBy = (topics, can) => topics.filter((topic) => can(SCOPES[topic]));

/** @param {(keyof typeof SCOPES)[]} topics what the page shows; what the person may not hear stays away */
export function useNews(topics) {
  const { connection, session } = useApp();
  useEffect(() => connection.watch({ topics: heardBy(topics, session.can) }), []);
}
