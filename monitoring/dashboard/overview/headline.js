/** The fleet in figures: who is here and how many there are, what is wrong, what is being updated, how much they say. */

import { html, useComputed, useLayoutEffect, useRef } from "../view.js";
import { fitted } from "../shell/canvas.js";
import { useApp } from "../shell/context.js";
import { rate } from "../shell/format.js";
import { now } from "../shell/now.js";
import { href } from "../shell/router.js";
import { colour, theme } from "../shell/theme.js";
import { useCount } from "./count.js";
import { Formation } from "./formation.js";
import { open } from "./lists.js";

export function Headline() {
  const { feed, inventory, session } = useApp();
  const total = useCount();
  const uids = useComputed(() => {
    void feed.known.value;
    return [...new Set([...feed.uids(), ...inventory.devices.value.map((device) => device.device_uid)])].sort();
  });
  return html`<section class="headline" aria-label="The fleet now">
    <div class="figures">
      <${Presence} total=${total} />
      ${session.can("telemetry:read") && html`<${Alerts} />`}
      ${session.can("updates:read") && html`<${Updating} />`}
      <${Traffic} />
    </div>
    <${Formation} uids=${uids.value} total=${total} />
  </section>`;
}

/** @param {{total: number}} props */
function Presence({ total }) {
  const { feed } = useApp();
  return html`<p class="figure" data-online=${feed.online.value} data-total=${total}>
    <span class="figure-name">Online</span>
    <span class="figure-value"><strong>${feed.online.value}</strong><span class="of"> of ${total}</span></span>
  </p>`;
}

function Alerts() {
  const { feed } = useApp();
  const alerts = open(feed.alerts.items.value.values());
  const critical = alerts.filter(({ severity }) => severity === "critical").length;
  return html`<p class=${critical > 0 ? "figure alarming" : "figure"} data-alerts=${alerts.length}>
    <span class="figure-name"><a href=${href("alerts")}>Open alerts</a></span>
    <span class="figure-value"><strong>${alerts.length}</strong>${critical > 0 && html`<span class="of"> ${critical} critical</span>`}</span>
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
