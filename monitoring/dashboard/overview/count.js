/** How many devices the organization has, those too that have never been heard of. */

import { useEffect, useSignal } from "../view.js";
import { useApp } from "../shell/context.js";

const LOOK_AGAIN_MS = 30_000;

/** Without the retired; counted anew now and then, and when a device is heard of for the first time. */
export function useCount() {
  const { api, feed } = useApp();
  const count = useSignal(0);
  const known = feed.known.value;
  useEffect(() => {
    const abort = new AbortController();
    const read = () => {
      if (document.hidden) return;
      api.post("/devices/search", { rql: 'ne(lifecycle,"retired")', sample: 0 }, { signal: abort.signal }).then(
        (found) => (count.value = found.count),
        () => null,
      );
    };
    read();
    const timer = setInterval(read, LOOK_AGAIN_MS);
    return () => {
      abort.abort();
      clearInterval(timer);
    };
  }, [known]);
  return Math.max(count.value, known);
}
