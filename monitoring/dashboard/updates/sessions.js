/** A device's updates: their history over REST, brought up to what is heard live. */

import { useEffect, useMemo } from "../view.js";
import { createListing } from "../listing.js";
import { useApp } from "../shell/context.js";
import { broughtUp, isOpen } from "./states.js";

const PAGE = 10;
/** How often an update under way is asked after while the live connection is away. */
const ASK_AGAIN_MS = 4_000;

/**
 * The list is read when the page opens, when a session is heard to change its state, and with every snapshot: what was
 * missed while the live connection was away is read so.
 * @param {string} uid
 */
export function useSessions(uid) {
  const { api, connection, feed } = useApp();
  const list = useMemo(() => {
    /** @type {import("../listing.js").Listing<import("./states.js").Session>} */
    const listing = createListing(api, "/updates", { query: { device_uid: uid }, page: PAGE });
    return listing;
  }, [uid]);
  const update = feed.device(uid).update.value;
  const heard = update && `${update.session_id} ${update.state}`;
  const snapshots = connection.snapshots.value;
  useEffect(() => void list.load(), [list, heard, snapshots]);

  const sessions = broughtUp(list.items.value, update);
  const underWay = isOpen(sessions[0]?.state);
  const away = connection.status.value !== "live";
  useEffect(() => {
    if (!underWay || !away) return undefined;
    const timer = setInterval(list.load, ASK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [list, underWay, away]);

  return { list, sessions };
}
