/** One metric over time: a card with its name, its value now or under the pointer, and a line that moves. */

import { html, useEffect, useLayoutEffect, useRef, useSignal } from "../view.js";
import uPlot from "../vendor/uplot.js";
import { clock, decimalsOf, reading } from "../shell/format.js";
import { theme } from "../shell/theme.js";
import { options } from "./chart-options.js";
import { withGaps } from "./series.js";

/** A device may fall silent this long before its line breaks. */
const SHORTEST_GAP_MS = 15_000;

/**
 * @param {object} props
 * @param {string} props.name
 * @param {import("./series.js").Series | import("./rollups.js").Rollup} props.series
 * @param {number} props.minutes shown
 * @param {string} props.span the same in words
 * @param {number} props.end the right edge, epoch milliseconds
 * @param {unknown} props.revision changes with the series
 * @param {(from: number, to: number) => void} props.pick hears which part of the time was drawn over, epoch milliseconds
 */
export function MetricChart({ name, series, minutes, span, end, revision, pick }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const chart = useRef(/** @type {any} */ (null));
  const edge = useRef(end);
  const pointed = useSignal(/** @type {{time: number, value: number} | null} */ (null));
  const shade = theme.value;
  const from = end - minutes * 60_000;
  const samples = series.between(from, end);
  const banded = "highs" in samples;
  const picked = useRef(pick);
  picked.current = pick;
  edge.current = end;

  useLayoutEffect(() => {
    const element = /** @type {HTMLElement} */ (box.current);
    const plot = new uPlot(
      options({
        width: element.clientWidth,
        height: element.clientHeight,
        binary: series.binary,
        banded,
        range: () => [edge.current - minutes * 60_000, edge.current],
        point: (found) => (pointed.value = found),
        pick: (start, stop) => picked.current(start, stop),
      }),
      banded ? [[], [], [], []] : [[], []],
      element,
    );
    chart.current = plot;
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [minutes, shade, series.binary, banded]);

  useEffect(() => {
    const { times, values, highs, lows } = withGaps(samples, "gap" in series ? series.gap : SHORTEST_GAP_MS);
    chart.current.setData(banded ? [times, values, highs, lows] : [times, values]);
  }, [revision, end, minutes, shade, series.binary, banded]);

  const last = samples.values.at(-1);
  const decimals = decimalsOf(samples.values);
  /** @param {number} value */
  const say = (value) => (series.binary ? reading(value === 1) : reading(value, decimals));
  const shown = pointed.value ?? (last === undefined ? null : { time: /** @type {number} */ (samples.times.at(-1)), value: last });
  const extremes = samples.values.length > 0 ? extent("highs" in samples ? [...samples.highs, ...samples.lows] : samples.values) : null;

  return html`<article class="metric-chart" data-metric=${name} data-points=${samples.times.length} data-newest=${samples.times.at(-1)} data-value=${last}>
    <header>
      <h3>${name}</h3>
      <p class=${pointed.value ? "value pointed" : "value"}>${shown ? say(shown.value) : "–"}</p>
      <p class="aside">
        ${pointed.value && clock(pointed.value.time)}
        ${!pointed.value && extremes && !series.binary && `${say(extremes.lowest)} to ${say(extremes.highest)}`}
      </p>
    </header>
    <div class="plot" ref=${box} role="img" aria-label=${describe(name, span, extremes, last, say)}></div>
    ${samples.times.length === 0 && html`<p class="silent">Nothing in ${span}</p>`}
  </article>`;
}

/** @param {number[]} values */
function extent(values) {
  return values.reduce((found, value) => ({ lowest: Math.min(found.lowest, value), highest: Math.max(found.highest, value) }), {
    lowest: Infinity,
    highest: -Infinity,
  });
}

/**
 * @param {string} name
 * @param {string} span
 * @param {{lowest: number, highest: number} | null} extremes
 * @param {number | undefined} last
 * @param {(value: number) => string} say
 */
function describe(name, span, extremes, last, say) {
  if (!extremes || last === undefined) return `${name}: nothing in ${span}`;
  return `${name} in ${span}: at the end ${say(last)}, between ${say(extremes.lowest)} and ${say(extremes.highest)}`;
}
