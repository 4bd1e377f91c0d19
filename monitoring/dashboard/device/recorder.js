/**
 * Keeps one device's recording: its history over REST, then every live sample, and after an interruption what was missed.
 * Of a time that has passed there is the history alone.
 */

import { useEffect, useMemo, useRef, useSignal } from "../view.js";
import { ApiError } from "../rest.js";
import { useApp } from "../shell/context.js";
import { readHistory } from "./history.js";
import { Recording } from "./series.js";

/** A late sample may carry a time a little before the newest that is held. */
const OVERLAP_MS = 5_000;
/** How far ahead of this machine's clock a device's may run and still be drawn. */
export const AHEAD_MS = 60_000;

/**
 * @param {string} uid
 * @param {number} minutes of history
 * @param {number | null} until where it ends, epoch milliseconds; null while it goes on
 */
export function useRecording(uid, minutes, until) {
  const { api, feed, connection } = useApp();
  const recording = useMemo(() => new Recording(), [uid, until]);
  /** Grows with every change of the recording. */
  const revision = useSignal(0);
  /** Reads under way. */
  const readings = useSignal(0);
  const error = useSignal(/** @type {Error | null} */ (null));
  const attempt = useSignal(0);
  const readUntil = useRef(-Infinity);

  /** @param {import("../live/merge.js").TelemetryItem[]} items */
  function take(items) {
    for (const item of items) recording.add(item);
    if (items.length > 0) revision.value += 1;
  }

  /** @param {number} from @param {AbortSignal} signal */
  async function read(from, signal) {
    readUntil.current = Date.now();
    readings.value += 1;
    error.value = null;
    try {
      const to = until ?? Date.now() + AHEAD_MS;
      for await (const items of readHistory({ api, uid, from, to, signal })) take(items);
    } catch (failure) {
      // The device is there, or its page would not be: monitoring has yet to hear of it, and a snapshot follows then.
      const unheard = failure instanceof ApiError && failure.status === 404;
      if (!signal.aborted && !unheard) error.value = /** @type {Error} */ (failure);
    } finally {
      readings.value -= 1;
    }
  }

  useEffect(() => {
    if (until !== null) return undefined;
    return feed.onTelemetry((items) => take(items.filter((item) => item.device_uid === uid)));
  }, [uid, until]);

  useEffect(() => {
    const abort = new AbortController();
    read((until ?? Date.now()) - minutes * 60_000, abort.signal);
    return () => abort.abort();
  }, [uid, minutes, until, attempt.value]);

  const snapshots = connection.snapshots.value;
  const seen = useRef(snapshots);
  useEffect(() => {
    // What came between the last read, or the last live sample, and this subscription was sent to nobody here.
    if (seen.current === snapshots) return undefined;
    seen.current = snapshots;
    if (until !== null) return undefined;
    const abort = new AbortController();
    const held = Math.max(readUntil.current, recording.newest) - OVERLAP_MS;
    read(Math.max(held, Date.now() - minutes * 60_000), abort.signal);
    return () => abort.abort();
  }, [snapshots]);

  return { recording, revision, reading: readings.value > 0, error: error.value, retry: () => (attempt.value += 1) };
}
