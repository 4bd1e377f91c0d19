/** The organization's groups, to choose one. */

import { useEffect, useSignal } from "../view.js";
import { useApp } from "../shell/context.js";

/** @typedef {{id: number, name: string, kind: "fixed" | "query", rql: string | null, members: number | null}} Group */

const MOST = 500;

/** The first five hundred; none until they are read, or while they cannot be. @returns {Group[]} */
export function useGroups() {
  const { api } = useApp();
  const groups = useSignal(/** @type {Group[]} */ ([]));
  useEffect(() => {
    const abort = new AbortController();
    api.get("/groups", { limit: MOST }, abort.signal).then(
      ({ items }) => (groups.value = items),
      () => null,
    );
    return () => abort.abort();
  }, []);
  return groups.value;
}
