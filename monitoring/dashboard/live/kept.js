/** Keeps what a page has read over REST as new as the news of it. */

import { useEffect, useMemo } from "../view.js";
import { useApp } from "../shell/context.js";
import { paced } from "./paced.js";

const PACE_MS = 2_000;
/** How often it is read while nothing can be heard live. */
const UNHEARD_MS = 4_000;

/**
 * Reads when the page opens, when `heard` changes and with every snapshot, at most every two seconds; while the live
 * connection is away it reads every four. It rests while nobody looks, and reads when somebody does again.
 * @param {() => unknown} read
 * @param {unknown} heard what changes with every piece of news
 * @param {boolean} [goesOn] whether it can change by itself
 */
export function useKept(read, heard, goesOn = true) {
  const { connection } = useApp();
  const again = useMemo(() => paced(() => document.hidden || read(), PACE_MS), [read]);
  const snapshots = connection.snapshots.value;
  useEffect(() => again(), [again, heard, snapshots]);
  useEffect(() => {
    document.addEventListener("visibilitychange", again);
    return () => {
      document.removeEventListener("visibilitychange", again);
      again.stop();
    };
  }, [again]);

  const unheard = goesOn && connection.status.value !== "live";
  useEffect(() => {
    if (!unheard) return undefined;
    const timer = setInterval(again, UNHEARD_MS);
    return () => clearInterval(timer);
  }, [again, unheard]);
}
