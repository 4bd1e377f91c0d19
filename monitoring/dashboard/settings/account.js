/** The person who is signed in: who they are, what they may do, and their password. */

import { html, useSignal } from "../view.js";
import { ApiError } from "../rest.js";
import { useApp } from "../shell/context.js";
import { Confirm, useAttempt } from "../shell/dialog.js";
import { Field } from "../shell/field.js";
import { SCOPES } from "./scopes.js";

export function Account() {
  const { api, session } = useApp();
  const person = session.person.value;
  const leaving = useSignal(false);
  if (!person) return null;

  async function leaveEverywhere() {
    await api.post("/auth/logout-everywhere");
    await session.signOut();
  }

  return html`<div class="beside">
    <section class="panel account" aria-labelledby="you">
      <h2 id="you">You</h2>
      <dl>
        <div><dt>Name</dt><dd>${person.name}</dd></div>
        <div><dt>Email</dt><dd>${person.email}</dd></div>
        <div><dt>Organization</dt><dd>${person.organization.name} <code>${person.organization.slug}</code></dd></div>
        <div><dt>You may</dt><dd><ul>${SCOPES.filter(([scope]) => session.can(scope)).map(([scope, words]) => html`<li key=${scope}>${words}</li>`)}</ul></dd></div>
      </dl>
      <button type="button" class="secondary small" onClick=${() => (leaving.value = true)}>Sign out everywhere</button>
      ${leaving.value &&
      html`<${Confirm} title="Sign out everywhere?" action="Sign out everywhere" instead="Stay" grave run=${leaveEverywhere} close=${() => (leaving.value = false)}>
        <p>Every sign-in of yours ends, on every machine, this one included.</p>
      <//>`}
    </section>
    <${Password} />
  </div>`;
}

function Password() {
  const { session } = useApp();
  const current = useSignal("");
  const next = useSignal("");
  const changed = useSignal(false);
  const { busy, error, attempt } = useAttempt(async () => {
    changed.value = false;
    await session.changePassword(current.peek(), next.peek()).catch((/** @type {Error} */ refused) => {
      throw refused instanceof ApiError && refused.code === "bad_credentials" ? new Error("The password that you have is another one.") : refused;
    });
    changed.value = true;
    current.value = "";
    next.value = "";
  });
  return html`<section class="panel upload" aria-labelledby="password">
    <h2 id="password">Password</h2>
    <form onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), attempt())}>
      <${Field} label="The one you have" type="password" required autocomplete="current-password" value=${current.value} set=${(/** @type {string} */ said) => (current.value = said)} />
      <${Field} label="The new one" type="password" required minlength="10" autocomplete="new-password" hint="Ten characters at least." value=${next.value} set=${(/** @type {string} */ said) => (next.value = said)} />
      <div role="alert">${error && html`<p class="notice alarm">${error.message}</p>`}</div>
      <p role="status">${changed.value && "Your password is changed; every other sign-in of yours has ended."}</p>
      <button type="submit" aria-busy=${busy} disabled=${busy}>Change it</button>
    </form>
  </section>`;
}
