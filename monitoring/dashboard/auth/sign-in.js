/** The sign-in page. */

import { ApiError } from "../rest.js";
import { html, useEffect, useRef, useSignal } from "../view.js";
import { useApp } from "../shell/context.js";
import { Heading } from "../shell/heading.js";
import { formation, Mark } from "../shell/icons.js";
import { ThemeToggle } from "../shell/theme.js";

/** What went wrong, and what to do about it. @param {unknown} error */
function explain(error) {
  if (!(error instanceof ApiError)) return "Something unexpected happened. Try again.";
  if (error.status === 401) return "That email address and password do not belong together. Check both and try again.";
  if (error.status === 429) return "Too many attempts. Wait a minute and try again.";
  return error.message;
}

export function SignIn() {
  const { session } = useApp();
  const busy = useSignal(false);
  const failure = useSignal(/** @type {string | null} */ (null));
  const email = useRef(/** @type {HTMLInputElement | null} */ (null));
  const password = useRef(/** @type {HTMLInputElement | null} */ (null));

  useEffect(() => email.current?.focus(), []);

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    busy.value = true;
    failure.value = null;
    try {
      await session.signIn(String(form.get("username")).trim(), String(form.get("password")));
    } catch (error) {
      failure.value = explain(error);
      password.current?.select();
    } finally {
      busy.value = false;
    }
  }

  return html`<div class="gate">
    <${Parade} />
    <main class="gate-form">
      <div class="gate-corner"><${ThemeToggle} /></div>
      <form onSubmit=${submit} aria-label="Sign in">
        <p class="brand"><${Mark} />Muster</p>
        <${Heading} title="Sign in" />
        ${session.ended.value && !failure.value && html`<p class="notice" role="status">${session.ended.value}</p>`}
        <div role="alert">${failure.value && html`<p class="notice alarm" id="sign-in-failure">${failure.value}</p>`}</div>
        <label>Email<input name="username" type="email" autocomplete="username" required spellcheck=${false} ref=${email} /></label>
        <label>Password<input name="password" type="password" autocomplete="current-password" required ref=${password}
          aria-invalid=${failure.value ? "true" : undefined} aria-describedby=${failure.value ? "sign-in-failure" : undefined} /></label>
        <button type="submit" aria-busy=${busy.value} disabled=${busy.value}>${busy.value ? "Signing in" : "Sign in"}</button>
      </form>
    </main>
  </div>`;
}

const COLUMNS = 15;
const ROWS = 21;
const LETTER = new Set(formation().map(({ column, row }) => `${column + 5},${row + 7}`));

/** A field of devices with the mark in formation in its middle. */
function Parade() {
  const places = Array.from({ length: COLUMNS * ROWS }, (_, index) => ({ column: index % COLUMNS, row: Math.floor(index / COLUMNS) }));
  return html`<aside class="parade" aria-hidden="true">
    <svg viewBox="0 0 ${COLUMNS * 20} ${ROWS * 20}" preserveAspectRatio="xMidYMid slice">
      ${places.map(({ column, row }) => {
        const stir = (column * 7 + row * 13 + ((column * row) % 5)) % 11;
        const kind = LETTER.has(`${column},${row}`) ? "present" : stir < 2 ? `stirring stir-${stir}` : "";
        return html`<rect class=${kind} x=${column * 20 + 5} y=${row * 20 + 5} width="10" height="10" rx="2.5" />`;
      })}
    </svg>
    <p>Every device, present<br />and accounted for.</p>
  </aside>`;
}
