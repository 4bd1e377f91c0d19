/** One clock for every "12 s ago" on the page. It stands still while nobody looks. */

import { signal } from "../view.js";

/** Epoch milliseconds, a second at a time. */
export const now = signal(Date.now());

setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1000);

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) now.value = Date.now();
});
