/** A site made or changed. Its password goes in and never comes out. */

import { html, useMemo, useSignal } from "../view.js";
import { createOnce } from "../once.js";
import { ApiError } from "../rest.js";
import { useApp } from "../shell/context.js";
import { Dialog, useAttempt } from "../shell/dialog.js";
import { Check, Field, Lines } from "../shell/field.js";
import { changeOf, creationOf, faultsOf, formOf, placesOf, TEMPLATE } from "./states.js";

/**
 * @param {object} props
 * @param {import("./states.js").Site | null} props.site null for a new one
 * @param {() => Promise<void>} props.changed
 * @param {() => void} props.close
 */
export function SiteForm({ site, changed, close }) {
  const { api } = useApp();
  const form = useSignal(formOf(site));
  const tried = useSignal(false);
  const once = useMemo(createOnce, []);
  /** @param {Partial<import("./states.js").Form>} said */
  const set = (said) => (form.value = { ...form.peek(), ...said });

  const { busy, error, attempt } = useAttempt(async () => {
    if (site) {
      const body = changeOf(form.peek(), site);
      if (body) await api.patch(`/sites/${site.id}`, body, site.version);
    } else {
      const body = creationOf(form.peek());
      await api.post("/sites", body, { once: once(body) });
    }
    await changed();
    close();
  });

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    tried.value = true;
    if (Object.keys(faultsOf(form.peek())).length === 0) attempt();
  }

  const unsaid = tried.value ? faultsOf(form.value) : {};
  // What the platform found is about the form that was sent: while something else is wrong, it is not sent again.
  const said = Object.keys(unsaid).length === 0 ? error : null;
  const faults = { ...placesOf(said), ...unsaid };
  const { name, host, port, username, password, forget, tls, certificate, template, description, enabled } = form.value;
  return html`<${Dialog} title=${site ? `Edit ${site.name}` : "New site"} close=${close}>
    <form class="site-form" noValidate onSubmit=${submit}>
      <${Field} label="Name" value=${name} set=${(/** @type {string} */ said) => set({ name: said })} maxlength="100" error=${faults.name} />
      <div class="fields two">
        <${Field} label="Host" value=${host} set=${(/** @type {string} */ said) => set({ host: said })} maxlength="253" placeholder="broker.plant.example" error=${faults.host} />
        <${Field} label="Port" value=${port} set=${(/** @type {string} */ said) => set({ port: said })} inputmode="numeric" error=${faults.port} />
      </div>
      <div class="fields two">
        <${Field} label="User name" value=${username} set=${(/** @type {string} */ said) => set({ username: said })} maxlength="128" placeholder="none" error=${faults.username} />
        <${Field}
          label="Password"
          type="password"
          value=${password}
          set=${(/** @type {string} */ said) => set({ password: said, forget: false })}
          maxlength="512"
          autocomplete="new-password"
          placeholder=${site?.has_password ? "unchanged" : "none"}
          hint=${site?.has_password ? "It is never shown. Write another one to change it." : "It is encrypted, and never shown again."}
          error=${faults.password}
        />
      </div>
      ${site?.has_password && html`<${Check} label="Take the password away" value=${forget} set=${(/** @type {boolean} */ said) => set({ forget: said, ...(said && { password: "" }) })} />`}
      <${Check} label="TLS" value=${tls} set=${(/** @type {boolean} */ said) => set({ tls: said, ...(said && port === "1883" && { port: "8883" }), ...(!said && port === "8883" && { port: "1883" }) })} />
      ${tls && html`<${Lines} label="Certificate of its authority" value=${certificate} set=${(/** @type {string} */ said) => set({ certificate: said })} placeholder="-----BEGIN CERTIFICATE-----" hint="In PEM form, for a private authority. Empty: those that the system trusts." error=${faults.certificate} />`}
      <${Field} label="Topics" value=${template} set=${(/** @type {string} */ said) => set({ template: said })} maxlength="200" placeholder=${TEMPLATE} hint="Where its devices publish; {uid} stands for a device's uid." error=${faults.template} />
      <${Field} label="Description" value=${description} set=${(/** @type {string} */ said) => set({ description: said })} maxlength="500" error=${faults.description} />
      <${Check} label="Enabled" value=${enabled} set=${(/** @type {boolean} */ said) => set({ enabled: said })} hint="The platform keeps a link to it." />
      <div role="alert">${said && Object.keys(faults).length === 0 && html`<p class="notice alarm">${explained(said)}</p>`}</div>
      <div class="answers">
        <button type="button" class="secondary" onClick=${close}>Not now</button>
        <button type="submit" aria-busy=${busy} disabled=${busy}>${site ? "Save" : "Create"}</button>
      </div>
    </form>
  <//>`;
}

/** @param {Error} error */
function explained(error) {
  if (error instanceof ApiError && error.status === 412) return "Somebody else has changed this site meanwhile. Close this, look at it, and change it again.";
  return error.message;
}
