/** Keeps the live state of the whole fleet while a page is open. */

import { useEffect } from "../view.js";
import { useApp } from "../shell/context.js";
import { catchUp } from "./catch-up.js";

/** After this long without the live connection, or a part of its snapshot, the fleet's state is read over REST. */
const CATCH_UP_MS = 3_000;

export function useWholeFleet() {
  const { api, feed, connection } = useApp();
  useEffect(() => {
    const leave = connection.watch({});
    const abort = new AbortController();
    const late = setTimeout(() => {
      if (connection.status.peek() === "connecting") catchUp({ api, feed }, undefined, abort.signal).catch(() => null);
    }, CATCH_UP_MS);
    return () => {
      leave();
      clearTimeout(late);
      abort.abort();
    };
  }, []);
}
