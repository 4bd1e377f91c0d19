/** Keeps what a page has read over REST as new as the news of it. */

import { useEffect, useMemo } from "../view.js";
import { useAgain } from "../again.js";
import { useApp } from "../shell/context.js";
import { paced } from "./paced.js";

const PACE_MS = 2_000;
/** How often it is read while nothing can be heard live. */
const UNHEARD_MS = 4_000;
/** How often it is read whatever is heard: news can be lost between those who tell it, and a reading can fail. */
const HEARD_MS = 20_000;

/**
 * Reads when the page opens, when `heard` changes and with every snapshot, at most every two seconds; while the live
 * connection is away it reads every four, and else every twenty, so that nothing that was not heard stays unseen. It rests
 * while nobody looks, and reads when somebody does again.
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

  const everyMs = connection.status.value === "live" ? HEARD_MS : UNHEARD_MS;
  useAgain(again, everyMs, goesOn);
}
