/** How many a second, over the last minute: pure, the caller brings the time. */

const SECONDS = 60;
const SMOOTHED = 5;

export class Rate {
  /** One count for each of the last sixty seconds; a second's place is its number modulo sixty. */
  #counts = new Float64Array(SECONDS);
  #newest = -Infinity;
  #first = Infinity;

  /** @param {number} second */
  #advance(second) {
    if (second <= this.#newest) return;
    const skipped = Math.min(SECONDS, second - this.#newest);
    for (let step = 0; step < skipped; step++) this.#counts[(second - step) % SECONDS] = 0;
    this.#newest = second;
  }

  /**
   * @param {number} count
   * @param {number} now epoch milliseconds
   */
  add(count, now) {
    const second = Math.floor(now / 1000);
    this.#first = Math.min(this.#first, second);
    this.#advance(second);
    if (second > this.#newest - SECONDS) this.#counts[second % SECONDS] += count;
  }

  /**
   * The mean of the last whole seconds, five at most.
   * @param {number} now epoch milliseconds
   */
  perSecond(now) {
    const history = this.history(now);
    const whole = Math.floor(now / 1000) - this.#first;
    if (!(whole >= 1)) return 0;
    const last = history.slice(-Math.min(SMOOTHED, whole));
    return last.reduce((sum, count) => sum + count, 0) / last.length;
  }

  /**
   * The counts of the last 59 whole seconds, oldest first; the running second is left out.
   * @param {number} now epoch milliseconds
   */
  history(now) {
    const second = Math.floor(now / 1000);
    this.#advance(second);
    return Array.from({ length: SECONDS - 1 }, (_, index) => this.#counts[(second + 1 + index) % SECONDS]);
  }
}
