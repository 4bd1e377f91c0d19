/** How many devices the organization has, those too that have never been heard of. */

import { useMemo } from "../view.js";
import { useKept } from "../live/kept.js";
import { createResource } from "../resource.js";
import { useApp } from "../shell/context.js";

/** Without the retired; counted anew when devices are heard of for the first time, and now and then: nobody tells of one that has not spoken. */
export function useCount() {
  const { api, feed } = useApp();
  const counted = useMemo(() => {
    /** @type {import("../resource.js").Resource<number>} */
    const resource = createResource(async () => (await api.post("/devices/search", { rql: 'ne(lifecycle,"retired")', sample: 0 })).count);
    return resource;
  }, [api]);
  const known = feed.known.value;
  useKept(counted.load, known);
  return Math.max(counted.value.value ?? 0, known);
}
