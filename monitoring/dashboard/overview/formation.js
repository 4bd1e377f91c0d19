/** The whole fleet at a glance: one cell a device, lit while it is online, brighter as it speaks. */

import { html, useEffect, useLayoutEffect, useRef, useSignal } from "../view.js";
import { deviceHref } from "../device/address.js";
import { useApp } from "../shell/context.js";
import { colour, theme } from "../shell/theme.js";
import { fitted } from "../shell/canvas.js";
import { arrange } from "./arrange.js";

const REPAINT_MS = 200;
const GLOW_MS = 900;
/** The field is as high as its cells need, within reason: in rem. */
const LOWEST = 4;
const HIGHEST = 16;
const CELLS_A_REM = 400;
const still = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {import("../live/feed.js").Heard | null} heard null for a device of which nothing is known
 * @param {{x: number, y: number, size: number}} cell
 * @param {Record<string, string>} colours
 */
function paintCell(pen, heard, { x, y, size }, colours) {
  pen.beginPath();
  pen.roundRect(x + 0.5, y + 0.5, size - 1, size - 1, size * 0.24);
  if (!heard?.presence.peek()?.online) {
    pen.strokeStyle = colours.away;
    pen.stroke();
    return;
  }
  pen.fillStyle = colours.live;
  pen.fill();
  const glow = still.matches ? 0 : 1 - (Date.now() - heard.arrived) / GLOW_MS;
  if (glow <= 0) return;
  pen.globalAlpha = glow;
  pen.fillStyle = colours.bright;
  pen.fill();
  pen.globalAlpha = 1;
}

/** @param {{uids: string[], total: number}} props `uids` are those of which something is known */
export function Formation({ uids, total }) {
  const { feed, names } = useApp();
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const pointed = useSignal(/** @type {{uid: string, x: number, y: number} | null} */ (null));
  const shade = theme.value;
  const count = Math.max(total, uids.length);

  useLayoutEffect(() => {
    const colours = { live: colour("--live-cell"), bright: colour("--live-bright"), away: colour("--line-strong") };
    const paint = () => {
      if (document.hidden || !canvas.current) return;
      const { pen, width, height } = fitted(canvas.current);
      const { pitch, columns, shown } = arrange(count, width, height);
      const size = pitch - Math.max(1, Math.round(pitch * 0.22));
      for (let index = 0; index < shown; index++) {
        const cell = { x: (index % columns) * pitch, y: Math.floor(index / columns) * pitch, size };
        paintCell(pen, index < uids.length ? feed.device(uids[index]) : null, cell, colours);
      }
    };
    paint();
    const timer = setInterval(paint, REPAINT_MS);
    return () => clearInterval(timer);
  }, [uids, count, shade]);

  useEffect(() => {
    pointed.value = null;
  }, [uids, count]);

  /** @param {MouseEvent} event */
  function point(event) {
    const { clientWidth, clientHeight } = /** @type {HTMLCanvasElement} */ (canvas.current);
    const { pitch, columns, shown } = arrange(count, clientWidth, clientHeight);
    const column = Math.floor(event.offsetX / pitch);
    const row = Math.floor(event.offsetY / pitch);
    const index = row * columns + column;
    pointed.value = column < columns && index < Math.min(shown, uids.length) ? { uid: uids[index], x: (column + 0.5) * pitch, y: row * pitch } : null;
  }

  return html`<div class="formation">
    <p class="legend">
      <span>Every device</span>
      <span><i class="presence online"></i>online</span>
      <span><i class="presence"></i>away</span>
    </p>
    <div class="field" style=${{ minHeight: `${Math.min(HIGHEST, Math.max(LOWEST, count / CELLS_A_REM))}rem` }}>
      <canvas
        ref=${canvas}
        role="img"
        aria-label=${`${feed.online.value} devices are online of ${count}. The fleet page names each.`}
        class=${pointed.value ? "pointing" : ""}
        onMouseMove=${point}
        onMouseLeave=${() => (pointed.value = null)}
        onClick=${() => pointed.value && (location.hash = deviceHref(pointed.value.uid))}
      ></canvas>
      ${pointed.value &&
      html`<p class="tip" style=${{ left: `${pointed.value.x}px`, top: `${pointed.value.y}px` }}>
        ${names.of(pointed.value.uid)}
      </p>`}
    </div>
  </div>`;
}
