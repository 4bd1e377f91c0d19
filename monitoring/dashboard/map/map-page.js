/** The map: the devices whose position is known, where they are, and whether they are there. */

import { html, useEffect, useMemo, useRef, useSignal } from "../view.js";
import { createListing } from "../listing.js";
import { useWholeFleet } from "../live/whole-fleet.js";
import { useApp } from "../shell/context.js";
import { Heading } from "../shell/heading.js";
import { href } from "../shell/router.js";
import { Empty, Failure, Waiting } from "../shell/states.js";
import { colour, theme } from "../shell/theme.js";
import { DeviceCard } from "./device-card.js";
import { measuredPlace, placeIn, PLACED } from "./positions.js";

const REPAINT_MS = 1_000;
const LOOK_AGAIN_MS = 30_000;
/** So many are named beside the map. */
const NAMED = 200;

/** @typedef {import("./world.js").Point} Point */

export function MapPage() {
  const { feed } = useApp();
  useWholeFleet();
  const { list, points } = usePoints();
  const chosen = useSignal(/** @type {string | null} */ (null));
  const ready = list.phase.value === "ready";
  const failure = list.error.value;
  const heard = feed.known.value > 0;

  return html`
    <${Heading} title="Map" />
    ${!ready && failure && html`<${Failure} title="The devices could not be read" error=${failure} retry=${list.load} />`}
    ${!ready && !failure && html`<${Waiting}>Reading where the devices are<//>`}
    ${ready && heard && points.length === 0 && html`<${Nowhere} />`}
    ${points.length > 0 && html`<${Atlas} points=${points} chosen=${chosen} />`}
  `;
}

function Nowhere() {
  return html`<${Empty} title="Nobody knows where a device is">
    <p>Give a device the attribute <code>position</code> as <code>{"latitude": 53.5, "longitude": 10.0}</code>, have it report the same of itself, or let it publish the metrics <code>latitude</code> and <code>longitude</code>.</p>
    <p><a href=${href("fleet")}>Go to the fleet</a></p>
  <//>`;
}

/** Every device with a position, as it is now; what it measures comes before what was written down of it. */
function usePoints() {
  const { api, feed, names } = useApp();
  const list = useMemo(() => {
    /** @type {import("../listing.js").Listing<import("../fleet/inventory.js").Device>} */
    const listing = createListing(api, "/devices", { query: { rql: PLACED }, page: 500, whole: true });
    return listing;
  }, []);
  const points = useSignal(/** @type {Point[]} */ ([]));
  useEffect(() => {
    list.load();
    const timer = setInterval(() => {
      if (!document.hidden) list.load();
    }, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [list]);

  useEffect(() => {
    names.take(list.items.value);
    const written = new Map(list.items.value.map((device) => [device.device_uid, placeIn(device.reported_attributes) ?? placeIn(device.attributes)]));
    function look() {
      if (document.hidden) return;
      const alarming = new Set([...feed.alerts.items.peek().values()].filter(({ state }) => state === "active").map((alert) => alert.device_uid));
      points.value = [...new Set([...written.keys(), ...feed.uids()])].flatMap((uid) => {
        const { presence, reading } = feed.device(uid);
        const place = measuredPlace(reading.peek()) ?? written.get(uid);
        return place ? [{ uid, ...place, online: presence.peek()?.online ?? false, alarming: alarming.has(uid) }] : [];
      });
    }
    look();
    const timer = setInterval(look, REPAINT_MS);
    return () => clearInterval(timer);
  }, [list.items.value]);
  return { list, points: points.value };
}

/** @param {{points: Point[], chosen: import("../view.js").Signal<string | null>}} props */
function Atlas({ points, chosen }) {
  const { names } = useApp();
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const world = useSignal(/** @type {import("./world.js").World | null} */ (null));
  const missing = useSignal(/** @type {Error | null} */ (null));
  const shade = theme.value;

  useEffect(() => {
    let left = false;
    const colours = { land: colour("--surface"), border: colour("--line-strong"), live: colour("--live-cell"), away: colour("--line-strong"), paper: colour("--surface"), alarm: colour("--alarm") };
    import("./world.js").then(
      ({ createWorld }) => {
        if (!left) world.value = createWorld(/** @type {HTMLElement} */ (box.current), colours, (uid) => (chosen.value = uid));
      },
      (error) => (missing.value = error),
    );
    return () => {
      left = true;
      world.peek()?.end();
      world.value = null;
    };
  }, [shade]);
  useEffect(() => world.value?.show(points), [points, world.value]);
  useEffect(() => world.value?.mark(chosen.value), [chosen.value, world.value]);

  /** @param {string} uid */
  function approach(uid) {
    chosen.value = uid;
    world.peek()?.approach(uid);
  }

  const named = points.map(({ uid, online }) => ({ uid, online, name: names.of(uid) })).sort((one, other) => (one.name < other.name ? -1 : 1));
  return html`<div class="atlas" data-points=${points.length} data-online=${points.filter(({ online }) => online).length}>
    <div class="panel world">
      <div class="world-box" ref=${box} role="application" aria-label="Map of the devices; the list beside it names each"></div>
      ${missing.value && html`<p class="notice alarm" role="alert">The map could not be loaded. The list beside it stands.</p>`}
      ${chosen.value && html`<${DeviceCard} key=${chosen.value} uid=${chosen.value} close=${() => (chosen.value = null)} />`}
    </div>
    <section class="panel gazetteer" aria-labelledby="gazetteer">
      <header><h2 id="gazetteer">On the map</h2><span class="value">${points.length}</span><button type="button" class="link" onClick=${() => world.peek()?.frame()}>Show all</button></header>
      <ul tabindex="0" aria-label="Devices on the map">
        ${named.slice(0, NAMED).map(
          ({ uid, name, online }) => html`<li key=${uid}>
            <button type="button" class="quiet" aria-pressed=${chosen.value === uid} onClick=${() => approach(uid)}><span class=${online ? "presence online" : "presence"} role="img" aria-label=${online ? "online" : "away"}></span>${name}</button>
          </li>`,
        )}
        ${named.length > NAMED && html`<li class="none">and ${named.length - NAMED} more</li>`}
      </ul>
    </section>
  </div>`;
}
