/** The map: the devices whose position is known, where they are, and whether they are there. */

import { html, useCallback, useEffect, useMemo, useRef, useSignal } from "../view.js";
import { useWholeFleet } from "../live/whole-fleet.js";
import { useApp } from "../shell/context.js";
import { byName } from "../shell/format.js";
import { Heading } from "../shell/heading.js";
import { href } from "../shell/router.js";
import { Empty, Failure, Waiting } from "../shell/states.js";
import { colour, theme } from "../shell/theme.js";
import { DeviceCard } from "./device-card.js";
import { usePlaces } from "./use-places.js";

/** So many are named beside the map. */
const NAMED = 200;

export function MapPage() {
  const { connection, feed } = useApp();
  useWholeFleet();
  const { list, places, seen } = usePlaces();
  const chosen = useSignal(/** @type {string | null} */ (null));
  const ready = list.phase.value === "ready";
  const failure = list.error.value;
  const heard = feed.known.value > 0 || connection.snapshots.value > 0;

  return html`
    <${Heading} title="Map" />
    ${!ready && failure && html`<${Failure} title="The devices could not be read" error=${failure} retry=${list.load} />`}
    ${!ready && !failure && html`<${Waiting}>Reading where the devices are<//>`}
    ${ready && seen.count === 0 && (heard ? html`<${Nowhere} />` : html`<${Waiting}>Waiting for the live connection<//>`)}
    ${seen.count > 0 && html`<${Atlas} places=${places} seen=${seen} chosen=${chosen} />`}
  `;
}

function Nowhere() {
  return html`<${Empty} title="Nobody knows where a device is">
    <p>Give a device the attribute <code>position</code> as <code>{"latitude": 53.5, "longitude": 10.0}</code>, have it report the same of itself, or let it publish the metrics <code>latitude</code> and <code>longitude</code>.</p>
    <p><a href=${href("fleet")}>Go to the fleet</a></p>
  <//>`;
}

/** @param {{places: import("./places.js").Places, seen: import("./use-places.js").Seen, chosen: import("../view.js").Signal<string | null>}} props */
function Atlas({ places, seen, chosen }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const world = useSignal(/** @type {import("./world.js").World | null} */ (null));
  const missing = useSignal(/** @type {Error | null} */ (null));
  const shade = theme.value;

  useEffect(() => {
    let left = false;
    const colours = { land: colour("--surface"), border: colour("--line-strong"), live: colour("--live-cell"), away: colour("--line-strong"), paper: colour("--surface"), alarm: colour("--alarm") };
    import("./world.js").then(
      ({ createWorld }) => {
        if (left) return;
        const made = createWorld(/** @type {HTMLElement} */ (box.current), colours, (uid) => (chosen.value = uid));
        made.show(places.points.keys(), places.points);
        world.value = made;
      },
      (error) => (missing.value = error),
    );
    return () => {
      left = true;
      world.peek()?.end();
      world.value = null;
    };
  }, [shade]);
  useEffect(() => world.peek()?.show(seen.changed, places.points), [seen]);
  useEffect(() => world.value?.mark(chosen.value), [chosen.value, world.value]);

  const approach = useCallback((/** @type {string} */ uid) => {
    chosen.value = uid;
    world.peek()?.approach(uid);
  }, []);

  return html`<div class="atlas" data-points=${seen.count} data-online=${seen.online}>
    <div class="panel world">
      <div class="world-box" ref=${box} role="application" aria-label="Map of the devices; the list beside it names each"></div>
      ${missing.value && html`<p class="notice alarm" role="alert">The map could not be loaded. The list beside it stands.</p>`}
      ${chosen.value && html`<${DeviceCard} key=${chosen.value} uid=${chosen.value} close=${() => (chosen.value = null)} />`}
    </div>
    <section class="panel gazetteer" aria-labelledby="gazetteer">
      <header><h2 id="gazetteer">On the map</h2><span class="value">${seen.count}</span><button type="button" class="link" onClick=${() => world.peek()?.frame()}>Show all</button></header>
      <${Gazetteer} places=${places} members=${seen.members} chosen=${chosen.value} approach=${approach} />
    </section>
  </div>`;
}

/** The first of them by name. Put in order anew only when one comes or goes. @param {{places: import("./places.js").Places, members: number, chosen: string | null, approach: (uid: string) => void}} props */
function Gazetteer({ places, members, chosen, approach }) {
  const { names } = useApp();
  const uids = useMemo(() => {
    const named = [...places.points.keys()].map((uid) => /** @type {const} */ ([names.of(uid), uid]));
    return named.sort(([one], [other]) => byName(one, other)).map(([, uid]) => uid);
  }, [members]);
  return html`<ul tabindex="0" aria-label="Devices on the map">
    ${uids.slice(0, NAMED).map((uid) => html`<${Named} key=${uid} uid=${uid} pressed=${chosen === uid} approach=${approach} />`)}
    ${uids.length > NAMED && html`<li class="none">and ${uids.length - NAMED} more</li>`}
  </ul>`;
}

/** @param {{uid: string, pressed: boolean, approach: (uid: string) => void}} props */
function Named({ uid, pressed, approach }) {
  const { feed, names } = useApp();
  const online = feed.device(uid).presence.value?.online ?? false;
  return html`<li>
    <button type="button" class="quiet" aria-pressed=${pressed} onClick=${() => approach(uid)}><span class=${online ? "presence online" : "presence"} role="img" aria-label=${online ? "online" : "away"}></span>${names.of(uid)}</button>
  </li>`;
}
