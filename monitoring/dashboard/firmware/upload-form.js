/** Uploading an image: the form, how far it is, and what was wrong with it. */

import { html, useEffect, useId, useRef, useSignal } from "../view.js";
import { ApiError } from "../rest.js";
import { useApp } from "../shell/context.js";
import { bytes } from "../shell/format.js";
import { suggested } from "./library.js";

/** The form's own words for the fields that the platform may refuse. */
const FIELDS = new Map([
  ["filename", "The file's name"],
  ["file", "The file"],
  ["name", "The name"],
  ["version", "The version"],
  ["hardware_versions", "The hardware versions"],
]);

/** @typedef {{sent: number, total: number}} Progress in bytes */

export function UploadForm() {
  const { progress, uploaded, error, send, cancel } = useUpload();
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    if (form.current && (await send(formOf(form.current)))) form.current.reset();
  }

  /** Fills in what the file's name suggests, where nothing is written yet. @param {Event} event */
  function suggest(event) {
    const file = /** @type {HTMLInputElement} */ (event.currentTarget).files?.[0];
    if (!file) return;
    const { name, version } = suggested(file.name);
    for (const [field, value] of [["name", name], ["version", version]]) {
      const input = /** @type {HTMLInputElement} */ (form.current?.elements.namedItem(field));
      if (input.value === "") input.value = value;
    }
  }

  return html`<section class="panel upload" aria-labelledby="upload">
    <h2 id="upload">Upload an image</h2>
    <form ref=${form} onSubmit=${submit}>
      <fieldset disabled=${progress !== null}>
        <${Field} label="File" name="file" type="file" required error=${error} onChange=${suggest} />
        <${Field} label="Name" name="name" placeholder="pump-firmware" required maxlength="64" error=${error} />
        <${Field} label="Version" name="version" placeholder="2.0.1" required maxlength="64" error=${error} />
        <${Field} label="For hardware" name="hardware_versions" placeholder="rev-a, rev-b" hint="Separated by commas. Empty: for every device." error=${error} />
      </fieldset>
      <div role="alert">${error && html`<p class="notice alarm">${explain(error)}</p>`}</div>
      <div role="status">${uploaded && html`<p class="notice well">${uploaded.name} ${uploaded.version} is there. ${uploaded.state === "approved" ? "It is approved already." : "Approve it to let it be installed."}</p>`}</div>
      ${progress ? html`<${Sending} progress=${progress} cancel=${cancel} />` : html`<button type="submit">Upload</button>`}
    </form>
  </section>`;
}

/** An upload at a time; leaving the page ends it. */
function useUpload() {
  const { api, library } = useApp();
  const progress = useSignal(/** @type {Progress | null} */ (null));
  const uploaded = useSignal(/** @type {import("./library.js").Firmware | null} */ (null));
  const error = useSignal(/** @type {ApiError | null} */ (null));
  const abort = useRef(/** @type {AbortController | null} */ (null));
  useEffect(() => () => abort.current?.abort(), []);

  /** @param {FormData} body @returns {Promise<boolean>} whether it is stored */
  async function send(body) {
    const { signal } = (abort.current = new AbortController());
    progress.value = { sent: 0, total: 0 };
    uploaded.value = null;
    error.value = null;
    try {
      uploaded.value = await api.upload("/firmware", body, { signal, onProgress: (sent, total) => (progress.value = { sent, total }) });
      library.load();
      return true;
    } catch (failure) {
      if (!signal.aborted) error.value = /** @type {ApiError} */ (failure);
      return false;
    } finally {
      progress.value = null;
    }
  }

  return { progress: progress.value, uploaded: uploaded.value, error: error.value, send, cancel: () => abort.current?.abort() };
}

/** What is sent: the file last, so that a field that is wrong is refused before the file has travelled. @param {HTMLFormElement} form */
function formOf(form) {
  const given = new FormData(form);
  const body = new FormData();
  for (const name of ["name", "version", "hardware_versions"]) {
    const value = String(given.get(name) ?? "").trim();
    if (value) body.append(name, value);
  }
  body.append("file", /** @type {File} */ (given.get("file")));
  return body;
}

/** @param {{label: string, name: string, hint?: string, error: ApiError | null} & Record<string, any>} props */
function Field({ label, name, hint, error, type = "text", ...rest }) {
  const id = useId();
  const wrong = placesOf(error).has(name) || (name === "file" && placesOf(error).has("filename"));
  return html`<label>
    ${label}
    <input name=${name} type=${type} autocomplete="off" spellcheck=${false} aria-invalid=${wrong ? "true" : undefined} aria-describedby=${hint ? id : undefined} ...${rest} />
    ${hint && html`<small id=${id}>${hint}</small>`}
  </label>`;
}

/** The fields that the platform found wrong. @param {ApiError | null} error */
function placesOf(error) {
  return new Set((error?.places ?? []).flatMap(({ location }) => location));
}

/** @param {ApiError} error */
function explain(error) {
  const wrong = error.places.map(({ location, message }) => `${FIELDS.get(location.find((part) => FIELDS.has(part)) ?? "") ?? location.join(" ")}: ${message}.`);
  if (wrong.length > 0) return wrong.join(" ");
  if (error.status === 413) return "The file is larger than the platform takes.";
  return error.passing ? `${error.message} Nothing was kept; try again.` : error.message;
}

/** @param {{progress: Progress, cancel: () => void}} props */
function Sending({ progress: { sent, total }, cancel }) {
  const whole = total > 0 && sent === total;
  const percent = total > 0 ? Math.floor((sent / total) * 100) : 0;
  return html`<div class="sending" data-percent=${percent}>
    <progress max="100" value=${whole ? undefined : percent} aria-label="Upload"></progress>
    <p>${whole ? "All of it is there; it is being checked." : `${bytes(sent)} of ${bytes(total)}, ${percent} %`}</p>
    <button type="button" class="secondary small" onClick=${cancel}>Cancel the upload</button>
  </div>`;
}
