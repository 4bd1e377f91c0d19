/** The fleet: its figures, its devices, and what to do when there are none. */

import { html, useComputed, useEffect, useRef, useSignal } from "../view.js";
import { catchUp } from "../live/catch-up.js";
import { useApp } from "../shell/context.js";
import { Heading } from "../shell/heading.js";
import { Icon } from "../shell/icons.js";
import { Empty, Failure, Waiting } from "../shell/states.js";
import { isOpen } from "../updates/states.js";
import { matches } from "./arrange.js";
import { DeviceTable } from "./device-table.js";
import { FirstDevice } from "./first-device.js";
import { Headline } from "./headline.js";

/** After this long without the live connection, the fleet's state is read over REST. */
const CATCH_UP_MS = 3_000;
/** Strangers that speak are looked up together. */
const STRANGERS_MS = 1_500;

export function FleetPage() {
  const { inventory } = useApp();
  useFleetKept();
  const { value: devices } = inventory.devices;
  const ready = inventory.phase.value === "ready";
  const failure = inventory.error.value;

  return html`
    <${Heading} title="Fleet" />
    ${!ready && failure && html`<${Failure} title="The devices could not be read" error=${failure} retry=${inventory.load} />`}
    ${!ready && !failure && html`<${Waiting}>Reading the devices<//>`}
    ${ready && devices.length === 0 && html`<${FirstDevice} />`}
    ${ready && devices.length > 0 && html`<${Headline} /><${Roll} devices=${devices} />`}
  `;
}

/** Keeps the list and the live state of the whole fleet while the page is open. */
function useFleetKept() {
  const { api, feed, connection, inventory } = useApp();
  useEffect(() => {
    inventory.load();
    const leave = connection.watch({});
    const abort = new AbortController();
    const late = setTimeout(() => {
      if (connection.status.peek() !== "live") catchUp({ api, feed }, undefined, abort.signal).catch(() => null);
    }, CATCH_UP_MS);
    return () => {
      leave();
      clearTimeout(late);
      abort.abort();
    };
  }, []);

  const known = feed.known.value;
  useEffect(() => {
    const listed = new Set(inventory.devices.peek().map((device) => device.device_uid));
    if (inventory.phase.peek() !== "ready" || inventory.next.peek() || feed.uids().every((uid) => listed.has(uid))) return;
    const timer = setTimeout(inventory.load, STRANGERS_MS);
    return () => clearTimeout(timer);
  }, [known]);
}

/** The devices that are loaded, searched. @param {{devices: import("./inventory.js").Device[]}} props */
function Roll({ devices }) {
  const { feed, inventory, session } = useApp();
  const search = useSignal("");
  const shown = useSignal(/** @type {"all" | "online" | "offline" | "updating"} */ ("all"));
  const choices = /** @type {const} */ (["all", "online", "offline", ...(session.can("updates:read") ? ["updating"] : [])]);
  const found = useComputed(() =>
    inventory.devices.value.filter((device) => {
      if (!matches(device, search.value.trim())) return false;
      if (shown.value === "all") return true;
      const { presence, update } = feed.device(device.device_uid);
      if (shown.value === "updating") return isOpen(update.value?.state);
      return (presence.value?.online ?? false) === (shown.value === "online");
    }),
  ).value;
  const more = inventory.next.value !== null;

  return html`<section aria-label="Devices">
    <div class="toolbar">
      <${Search} search=${search} />
      <fieldset class="choice">
        <legend class="hidden">Show</legend>
        ${choices.map(
          (choice) => html`<label>
            <input type="radio" name="presence" checked=${shown.value === choice} onChange=${() => (shown.value = choice)} /><span>${choice}</span>
          </label>`,
        )}
      </fieldset>
      <p class="count" role="status">${found.length === devices.length ? `${devices.length} loaded` : `${found.length} of ${devices.length} loaded`}</p>
    </div>
    ${found.length > 0
      ? html`<${DeviceTable} devices=${found} />`
      : html`<${Empty} title="No device answers to this">
          <p>${more ? "Only the devices loaded so far were searched." : "Try another word, or show all."}</p>
        <//>`}
    ${inventory.error.value && html`<p class="notice alarm" role="alert">${inventory.error.value.message}</p>`}
    ${more &&
    html`<p class="more"><button type="button" class="secondary" disabled=${inventory.reading.value} onClick=${inventory.more}>
      ${inventory.reading.value ? "Loading" : "Load more devices"}
    </button></p>`}
  </section>`;
}

/** @param {{search: import("../view.js").Signal<string>}} props */
function Search({ search }) {
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => {
    const onKey = (/** @type {KeyboardEvent} */ event) => {
      const typing = event.target instanceof HTMLInputElement && event.target.type !== "radio";
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      field.current?.focus();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return html`<label class="search">
    <${Icon} name="search" /><span class="hidden">Search the devices loaded</span>
    <input
      ref=${field}
      type="search"
      placeholder="Name, uid, type or tag"
      value=${search.value}
      aria-keyshortcuts="/"
      onInput=${(/** @type {any} */ event) => (search.value = event.currentTarget.value)}
      onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && (search.value = "")}
    /><kbd aria-hidden="true">/</kbd>
  </label>`;
}
