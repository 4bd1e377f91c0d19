/** The fleet in figures: who is here and how many there are, how many are being updated, how much they say. */

import { html, useLayoutEffect, useRef } from "../view.js";
import { fitted } from "../shell/canvas.js";
import { useApp } from "../shell/context.js";
import { rate } from "../shell/format.js";
import { now } from "../shell/now.js";
import { colour, theme } from "../shell/theme.js";
import { Formation } from "./formation.js";

export function Headline() {
  const { inventory, session } = useApp();
  const updates = session.can("updates:read");
  return html`<section class=${updates ? "headline of-three" : "headline"} aria-label="The fleet now">
    <${Presence} />
    ${updates && html`<${Updating} />`}
    <${Traffic} />
    <${Formation} devices=${inventory.devices.value} />
  </section>`;
}

function Presence() {
  const { feed, inventory } = useApp();
  const more = inventory.next.value !== null;
  const total = more ? Math.max(inventory.devices.value.length, feed.known.value) : inventory.devices.value.length;
  return html`<p class="figure" data-online=${feed.online.value} data-total=${total}>
    <span class="figure-name">Online</span>
    <span class="figure-value"><strong>${feed.online.value}</strong><span class="of"> of ${total}${more ? " or more" : ""}</span></span>
  </p>`;
}

function Updating() {
  const { feed } = useApp();
  return html`<p class="figure" data-updating=${feed.updating.value}>
    <span class="figure-name">Updating</span>
    <span class="figure-value"><strong>${feed.updating.value}</strong></span>
  </p>`;
}

function Traffic() {
  const { feed } = useApp();
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const tick = now.value;
  const shade = theme.value;
  const perSecond = feed.perSecond();

  useLayoutEffect(() => {
    const { pen, width, height } = fitted(/** @type {HTMLCanvasElement} */ (canvas.current));
    const history = feed.history();
    const highest = Math.max(1, ...history);
    const step = width / history.length;
    pen.fillStyle = colour("--live-cell");
    history.forEach((count, index) => {
      const bar = Math.max(1, (count / highest) * height);
      pen.globalAlpha = count === 0 ? 0.35 : 1;
      pen.fillRect(index * step, height - bar, Math.max(1, step - 1), bar);
    });
    pen.globalAlpha = 1;
  }, [tick, shade]);

  return html`<div class="figure" data-rate=${perSecond}>
    <span class="figure-name" title="As they reach this page: the newest of each device, at most five a second">Messages a second</span>
    <span class="figure-value"><strong>${rate(perSecond)}</strong><canvas ref=${canvas} aria-hidden="true"></canvas></span>
  </div>`;
}
