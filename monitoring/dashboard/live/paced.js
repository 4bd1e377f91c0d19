/** Something that is asked for often and done now and then. */

/**
 * A call runs it at once when the last run is `ms` ago, else once when that time is over, however often it was called.
 * @param {() => void} run
 * @param {number} ms
 * @param {() => number} [now] epoch milliseconds
 */
export function paced(run, ms, now = Date.now) {
  let ranAt = -Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  function runNow() {
    timer = undefined;
    ranAt = now();
    run();
  }

  function call() {
    if (timer !== undefined) return;
    const rest = ranAt + ms - now();
    if (rest <= 0) runNow();
    else timer = setTimeout(runNow, rest);
  }

  /** Forgets what is waiting to be run. */
  call.stop = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  return call;
}
