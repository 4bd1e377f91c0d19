/** What something done to many devices comes to now: how many, who they are, and who of them will have to wait. */

import { html, useEffect, useSignal } from "../view.js";
import { useApp } from "../shell/context.js";
import { queryOf } from "./target.js";

const SAMPLE = 6;

/** @typedef {{count: number, exact: boolean, sample: {device_uid: string, name: string | null}[], offline: number | null, retired: number | null}} Found */

/** @param {import("./target.js").Target} target */
export function usePreview(target) {
  const { api } = useApp();
  const found = useSignal(/** @type {Found | null} */ (null));
  const error = useSignal(/** @type {Error | null} */ (null));

  async function read() {
    error.value = null;
    const rql = queryOf(target);
    try {
      if (rql) {
        const [all, offline, retired] = await Promise.all(
          [rql, `and(${rql},not(eq(online,true)))`, `and(${rql},eq(lifecycle,"retired"))`].map((query, index) =>
            api.post("/devices/search", { rql: query, sample: index === 0 ? SAMPLE : 0 }),
          ),
        );
        found.value = { ...all, offline: offline.count, retired: retired.count };
      } else if ("group" in target) {
        const [group, page] = await Promise.all([api.get(`/groups/${target.group}`), api.get("/devices", { group: target.group, limit: SAMPLE })]);
        found.value = { count: group.members ?? page.items.length, exact: group.members !== null || !page.next, sample: page.items, offline: null, retired: null };
      } else if ("device_uids" in target) {
        const sample = target.device_uids.slice(0, SAMPLE).map((uid) => ({ device_uid: uid, name: null }));
        found.value = { count: target.device_uids.length, exact: true, sample, offline: null, retired: null };
      }
    } catch (failure) {
      error.value = /** @type {Error} */ (failure);
    }
  }
  useEffect(() => void read(), []);
  return { found: found.value, error: error.value, read };
}

/** @param {ReturnType<typeof usePreview>} props */
export function Preview({ found, error, read }) {
  if (error) return html`<p class="notice alarm" role="alert">${error.message} <button type="button" class="link" onClick=${read}>Try again</button></p>`;
  if (!found) return html`<p class="none" role="status">Counting the devices</p>`;
  const { count, exact, sample, offline, retired } = found;
  return html`<div class="preview" data-count=${count}>
    <p><strong>${count}${exact ? "" : " or more"}</strong> ${count === 1 ? "device" : "devices"}: ${sample.map(({ device_uid: uid, name }) => name ?? uid).join(" · ")}${count > sample.length ? " and others" : ""}.</p>
    ${offline !== null && offline > 0 && html`<p>${offline === 1 ? "One is" : `${offline} are`} not there and ${offline === 1 ? "does" : "do"} it on coming back, if that is in time.</p>`}
    ${retired !== null && retired > 0 && html`<p>${retired === 1 ? "One is" : `${retired} are`} retired and ${retired === 1 ? "is" : "are"} left out.</p>`}
  </div>`;
}
