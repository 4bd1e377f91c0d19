/** What a page hears of the organization while it is open. */

import { useEffect } from "../view.js";
import { useApp } from "../shell/context.js";

export function useNews() {
  const { connection } = useApp();
  useEffect(() => connection.watch({}), []);
}
