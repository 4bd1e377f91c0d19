/** The search and the filters of the fleet. They live in the address, so that a view can be kept and sent. */

import { html, useEffect, useRef, useSignal } from "../view.js";
import { useApp } from "../shell/context.js";
import { Icon } from "../shell/icons.js";
import { href, replace } from "../shell/router.js";
import { addressOf, isRql, LIFECYCLES, SHOWS } from "./filters.js";
import { useGroups } from "./groups.js";

/** A search begins when no key has been struck for this long. */
const TYPING_MS = 350;

/** @typedef {import("./filters.js").Filters} Filters */

/** @param {{filters: Filters}} props */
export function Toolbar({ filters }) {
  const { session } = useApp();
  const groups = useGroups();
  /** @param {Partial<Filters>} changed */
  const choose = (changed) => replace(href("fleet", [], addressOf({ ...filters, ...changed })));
  const narrowed = filters.lifecycle || filters.type || filters.tag || filters.group || filters.search || filters.show !== "all";

  return html`<div class="toolbar">
    <${Search} search=${filters.search} choose=${(/** @type {string} */ search) => choose({ search })} />
    <fieldset class="choice">
      <legend class="hidden">Show</legend>
      ${SHOWS.filter((show) => show !== "updating" || session.can("updates:read")).map(
        (show) => html`<label><input type="radio" name="show" checked=${filters.show === show} onChange=${() => choose({ show })} /><span>${show}</span></label>`,
      )}
    </fieldset>
    <${Choice} label="Lifecycle" value=${filters.lifecycle} options=${LIFECYCLES.map((one) => [one, one.replace("_", " ")])} choose=${(/** @type {string} */ lifecycle) => choose({ lifecycle })} />
    ${groups.length > 0 &&
    html`<${Choice} label="Group" value=${filters.group} options=${groups.map(({ id, name }) => [String(id), name])} choose=${(/** @type {string} */ group) => choose({ group })} />`}
    ${filters.type && html`<${Chip} name="type" value=${filters.type} drop=${() => choose({ type: "" })} />`}
    ${filters.tag && html`<${Chip} name="tag" value=${filters.tag} drop=${() => choose({ tag: "" })} />`}
    ${narrowed && html`<a class="clear" href=${href("fleet")}>Clear all</a>`}
  </div>`;
}

/** @param {{label: string, value: string, options: [string, string][], choose: (value: string) => void}} props */
function Choice({ label, value, options, choose }) {
  return html`<label class="narrow">
    <span class="hidden">${label}</span>
    <select value=${value} onChange=${(/** @type {any} */ event) => choose(event.currentTarget.value)}>
      <option value="">${`Any ${label.toLowerCase()}`}</option>
      ${options.map(([key, name]) => html`<option key=${key} value=${key}>${name}</option>`)}
    </select>
  </label>`;
}

/** @param {{name: string, value: string, drop: () => void}} props */
function Chip({ name, value, drop }) {
  return html`<span class="tag chip">${name} ${value}<button type="button" class="quiet" aria-label=${`Any ${name}`} onClick=${drop}><${Icon} name="close" /></button></span>`;
}

/** @param {{search: string, choose: (search: string) => void}} props */
function Search({ search, choose }) {
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const typed = useSignal(search);
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  useEffect(() => {
    if (document.activeElement !== field.current) typed.value = search;
  }, [search]);
  useEffect(() => {
    const onKey = (/** @type {KeyboardEvent} */ event) => {
      const typing = event.target instanceof HTMLElement && event.target.matches("input:not([type=radio],[type=checkbox]), textarea, select");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      field.current?.focus();
    };
    addEventListener("keydown", onKey);
    return () => {
      removeEventListener("keydown", onKey);
      clearTimeout(timer.current);
    };
  }, []);

  /** Words are searched while they are typed, RQL when it is complete. @param {string} text */
  function type(text) {
    typed.value = text;
    clearTimeout(timer.current);
    if (!isRql(text) || isClosed(text)) timer.current = setTimeout(() => choose(text.trim()), TYPING_MS);
  }

  /** @param {KeyboardEvent} event */
  function onKeyDown(event) {
    if (event.key !== "Escape" && event.key !== "Enter") return;
    if (event.key === "Escape") typed.value = "";
    clearTimeout(timer.current);
    choose(typed.peek().trim());
  }

  return html`<label class="search">
    <${Icon} name="search" /><span class="hidden">Search the fleet, by words or RQL</span>
    <input
      ref=${field}
      type="search"
      class=${isRql(typed.value) ? "rql" : ""}
      placeholder="Words, or RQL such as eq(device_type,…)"
      value=${typed.value}
      autocomplete="off"
      spellcheck=${false}
      aria-keyshortcuts="/"
      aria-describedby="query-problem"
      onInput=${(/** @type {any} */ event) => type(event.currentTarget.value)}
      onKeyDown=${onKeyDown}
    /><kbd aria-hidden="true">/</kbd>
  </label>`;
}

/** Whether as many parentheses are closed as were opened; those in texts count too, which costs a keystroke. @param {string} text */
function isClosed(text) {
  return text.split("(").length === text.split(")").length;
}
