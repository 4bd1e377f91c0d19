/** Where the keyboard is: what had the focus may be gone once something is done. */

/**
 * Remembers where the focus is.
 * @returns {() => void} brings a focus that was lost back: into the same row while there is one, else to the content
 */
export function focusKept() {
  const row = document.activeElement?.closest("tr, li");
  return () => {
    if (document.activeElement !== document.body) return;
    const near = row?.isConnected ? /** @type {HTMLElement | null} */ (row.querySelector("a, button")) : null;
    (near ?? document.getElementById("content"))?.focus({ preventScroll: true });
  };
}
