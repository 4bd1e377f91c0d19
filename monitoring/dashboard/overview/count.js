/** How many devices the organization has, those too that have never been heard of. */

import { useEffect, useMemo } from "../view.js";
import { useKept } from "../live/kept.js";
import { createResource } from "../resource.js";
import { useApp } from "../shell/context.js";

/** A device that was registered and has not spoken is told of by nobody. */
const LOOK_AGAIN_MS = 30_000;

/** Without the retired; counted anew now and then, and when devices are heard of for the first time. */
export function useCount() {
  const { api, feed } = useApp();
  const counted = useMemo(() => {
    /** @type {import("../resource.js").Resource<number>} */
    const resource = createResource(async () => (await api.post("/devices/search", { rql: 'ne(lifecycle,"retired")', sample: 0 })).count);
    return resource;
  }, [api]);
  const known = feed.known.value;
  useKept(counted.load, known, false);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || counted.load(), LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [counted]);
  return Math.max(counted.value.value ?? 0, known);
}
