/** What a draft would come to now, asked a moment after it was last changed. Nothing is written. */

import { useEffect, useRef, useSignal } from "../../view.js";
import { useApp } from "../../shell/context.js";
import { documentOf, faultsOf } from "./draft.js";

const PAUSE_MS = 500;

/**
 * @typedef {object} DryRun as `POST /releases?dry_run=true` answers
 * @property {number} devices
 * @property {Record<string, number>} obstacles how many devices could not be updated now, by reason
 * @property {{id: string, name: string, devices: number, clusters: {id: string, name: string, devices: number, obstacles: Record<string, number>}[]}[]} waves
 */

/**
 * @param {import("./draft.js").Draft} draft
 * @param {boolean} held while it is being created nothing is asked: the answer would be that it exists
 * @returns {{dryRun: DryRun | null, error: Error | null, asking: boolean, again: () => void}} `dryRun` is null while the draft
 *     cannot be asked about
 */
export function usePreview(draft, held) {
  const { api } = useApp();
  const dryRun = useSignal(/** @type {DryRun | null} */ (null));
  const error = useSignal(/** @type {Error | null} */ (null));
  const asking = useSignal(false);
  const tries = useSignal(0);
  const newest = useRef("");
  const askable = faultsOf(draft).every(({ step }) => step === "check");
  const document = askable ? JSON.stringify(documentOf(draft)) : "";

  useEffect(() => {
    if (held) return undefined;
    newest.current = `${document} ${tries.peek()}`;
    const mine = newest.current;
    dryRun.value = null;
    error.value = null;
    asking.value = document !== "";
    if (document === "") return undefined;
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const found = await api.post("/releases", JSON.parse(document), { query: { dry_run: true }, signal: abort.signal });
        if (newest.current === mine) dryRun.value = found;
      } catch (failure) {
        if (newest.current === mine && !abort.signal.aborted) error.value = /** @type {Error} */ (failure);
      } finally {
        if (newest.current === mine) asking.value = false;
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [document, tries.value, held]);

  return { dryRun: dryRun.value, error: error.value, asking: asking.value, again: () => (tries.value += 1) };
}
