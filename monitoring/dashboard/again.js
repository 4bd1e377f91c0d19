/** Reading again and again what nobody tells of. */

import { useEffect } from "./view.js";

/**
 * Reads every so often while a person looks at the page.
 * @param {() => unknown} read
 * @param {number} everyMs
 * @param {boolean} [wanted]
 */
export function useAgain(read, everyMs, wanted = true) {
  useEffect(() => {
    if (!wanted) return undefined;
    const timer = setInterval(() => document.hidden || read(), everyMs);
    return () => clearInterval(timer);
  }, [read, everyMs, wanted]);
}
