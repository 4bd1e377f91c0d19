/** How a metric is drawn. uPlot takes no styles from the page, so colours and type are handed to it. */

import uPlot from "../vendor/uplot.js";
import { reading } from "../shell/format.js";
import { colour } from "../shell/theme.js";

const FONT = '12px "Atkinson Mono", ui-monospace, monospace';
/** One crosshair runs through all charts of a page. */
const SYNC = "device";
/** So few samples would be an invisible line. */
const FEW = 24;

/** Between two ticks of the time axis, in milliseconds: whole minutes, so that their names stay short. */
const STEPS = [1, 2, 5, 10, 15, 30, 60].map((minutes) => minutes * 60_000);

/** @param {number} time epoch milliseconds */
function tick(time) {
  return new Date(time).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
}

/**
 * @param {object} wanted
 * @param {number} wanted.width in pixels
 * @param {number} wanted.height
 * @param {boolean} wanted.binary draws steps between no and yes
 * @param {() => [number, number]} wanted.range of the time axis, epoch milliseconds
 * @param {(found: {time: number, value: number} | null) => void} wanted.point hears what is under the pointer
 */
export function options({ width, height, binary, range, point }) {
  const live = colour("--live");
  const axis = { stroke: colour("--ink-faint"), font: FONT, ticks: { show: false }, grid: { stroke: colour("--line"), width: 1 } };
  return {
    width,
    height,
    ms: 1,
    padding: [10, 20, 0, 0],
    legend: { show: false },
    cursor: {
      drag: { x: false, y: false },
      sync: { key: SYNC, setSeries: false },
      y: false,
      points: { size: 9, fill: live, stroke: colour("--surface"), width: 2 },
    },
    scales: {
      x: { time: true, range },
      y: { range: binary ? [-0.15, 1.15] : padded },
    },
    axes: [
      {
        ...axis,
        size: 32,
        gap: 8,
        space: 56,
        incrs: STEPS,
        grid: { show: false },
        values: (/** @type {any} */ _, /** @type {number[]} */ splits) => splits.map(tick),
      },
      {
        ...axis,
        size: 58,
        gap: 8,
        space: 36,
        splits: binary ? () => [0, 1] : undefined,
        values: (/** @type {any} */ _, /** @type {number[]} */ splits) => splits.map((value) => (binary ? reading(value === 1) : short(value))),
      },
    ],
    series: [
      {},
      {
        stroke: live,
        width: 1.75,
        fill: wash,
        paths: binary ? uPlot.paths.stepped({ align: 1 }) : undefined,
        points: { show: (/** @type {any} */ plot) => plot.data[0].length <= FEW, size: 5, fill: live },
      },
    ],
    hooks: { draw: [markLast], setCursor: [(/** @type {any} */ plot) => point(under(plot))] },
  };
}

/** A tick of the value axis: as short as it can be told. @param {number} value */
function short(value) {
  return Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3) ? value.toExponential(1) : String(Number(value.toFixed(4)));
}

/**
 * The value axis: a tenth of room on both sides, and some height even for a value that never changes.
 * @param {any} _ the plot
 * @param {number | null} lowest
 * @param {number | null} highest
 * @returns {[number, number]}
 */
function padded(_, lowest, highest) {
  if (lowest === null || highest === null) return [0, 1];
  const room = (highest - lowest) * 0.12 || Math.abs(highest) * 0.05 || 1;
  return [lowest - room, highest + room];
}

/** The fill below the line, fading to nothing. @param {any} plot */
function wash(plot) {
  const { top, height } = plot.bbox;
  const fade = plot.ctx.createLinearGradient(0, top, 0, top + height);
  fade.addColorStop(0, colour("--live-fade"));
  fade.addColorStop(1, colour("--live-fade-end"));
  return fade;
}

/** A dot where the line stands now. @param {any} plot */
function markLast(plot) {
  const [times, values] = plot.data;
  const last = values.length - 1;
  if (last < 0) return;
  const pen = plot.ctx;
  pen.save();
  pen.beginPath();
  pen.arc(plot.valToPos(times[last], "x", true), plot.valToPos(values[last], "y", true), 4 * uPlot.pxRatio, 0, 2 * Math.PI);
  pen.fillStyle = colour("--live");
  pen.strokeStyle = colour("--surface");
  pen.lineWidth = 2 * uPlot.pxRatio;
  pen.fill();
  pen.stroke();
  pen.restore();
}

/** @param {any} plot */
function under(plot) {
  const index = plot.cursor.idx;
  const value = index === null || index === undefined ? null : plot.data[1][index];
  return value === null || value === undefined ? null : { time: plot.data[0][index], value };
}
