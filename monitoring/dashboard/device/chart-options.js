/** How a metric is drawn. uPlot takes no styles from the page, so colours and type are handed to it. */

import uPlot from "../vendor/uplot.js";
import { reading } from "../shell/format.js";
import { colour } from "../shell/theme.js";
import { padded } from "./value-axis.js";

const FONT = '12px "Atkinson Mono", ui-monospace, monospace';
/** One crosshair runs through all charts of a page. */
const SYNC = "device";
/** So few samples would be an invisible line. */
const FEW = 24;

const DAY = 1_440;
/** Between two ticks of the time axis, in milliseconds: whole minutes, so that their names stay short. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, DAY, 2 * DAY, 7 * DAY, 30 * DAY].map((minutes) => minutes * 60_000);

/** A moment's name on the axis: its hour, or where a day begins or ticks are days apart its day. @param {number} time epoch milliseconds @param {number} step */
function tick(time, step) {
  const at = new Date(time);
  const midnight = at.getHours() === 0 && at.getMinutes() === 0;
  if (step >= DAY * 60_000 || (midnight && step >= 3_600_000)) return at.toLocaleDateString(undefined, { day: "numeric", month: "short" });
  return at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
}

/**
 * @param {object} wanted
 * @param {number} wanted.width in pixels
 * @param {number} wanted.height
 * @param {boolean} wanted.binary draws steps between no and yes
 * @param {boolean} wanted.banded draws the room between the greatest and the least of each bucket
 * @param {() => [number, number]} wanted.range of the time axis, epoch milliseconds
 * @param {(found: {time: number, value: number} | null) => void} wanted.point hears what is under the pointer
 * @param {(from: number, to: number) => void} wanted.pick hears what was drawn over
 */
export function options({ width, height, binary, banded, range, point, pick }) {
  const live = colour("--live");
  const axis = { stroke: colour("--ink-faint"), font: FONT, ticks: { show: false }, grid: { stroke: colour("--line"), width: 1 } };
  return {
    width,
    height,
    ms: 1,
    padding: [10, 20, 0, 0],
    legend: { show: false },
    cursor: {
      drag: { x: true, y: false, setScale: false, dist: 8 },
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
        values: (/** @type {any} */ _, /** @type {number[]} */ splits) => splits.map((time, index) => tick(time, Math.abs((splits[index + 1] ?? splits[index - 1] ?? time) - time))),
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
        fill: banded ? undefined : wash,
        paths: binary ? uPlot.paths.stepped({ align: 1 }) : undefined,
        points: { show: (/** @type {any} */ plot) => plot.data[0].length <= FEW, size: 5, fill: live },
      },
      ...(banded ? [{ width: 0, points: { show: false } }, { width: 0, points: { show: false } }] : []),
    ],
    bands: banded ? [{ series: [2, 3], fill: colour("--live-fade") }] : undefined,
    hooks: { draw: [markLast], setSelect: [(/** @type {any} */ plot) => select(plot, pick)], setCursor: [(/** @type {any} */ plot) => point(under(plot))] },
  };
}

/** A tick of the value axis: as short as it can be told. @param {number} value */
function short(value) {
  return Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3) ? value.toExponential(1) : String(Number(value.toFixed(4)));
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

/** @param {any} plot @param {(from: number, to: number) => void} pick */
function select(plot, pick) {
  const { left, width } = plot.select;
  if (width === 0) return;
  pick(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
  plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
}

/** @param {any} plot */
function under(plot) {
  const index = plot.cursor.idx;
  const value = index === null || index === undefined ? null : plot.data[1][index];
  return value === null || value === undefined ? null : { time: plot.data[0][index], value };
}
