/** The one door to the rendering libraries: everything else imports them from here. */

import { Component, createContext, h, render } from "./vendor/preact.js";
import htm from "./vendor/htm.js";

/**
 * A value that repaints what read it.
 * @template T
 * @typedef {{value: T, peek(): T}} Signal
 */

/** A component's markup. Values are escaped; nothing in the dashboard sets markup from a string. */
export const html = htm.bind(h);

export { Component, createContext, render };
export { useCallback, useContext, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "./vendor/preact-hooks.js";
export { batch, computed, effect, signal, useComputed, useSignal, useSignalEffect } from "./vendor/signals.js";
