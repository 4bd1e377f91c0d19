/** What devices are called, for lists that know only their uids. Those that are asked for together are read together. */

import { signal } from "../view.js";

const TOGETHER_MS = 40;
/** So many uids fit one query. */
const AT_ONCE = 100;

/** @param {import("../rest.js").Api} api */
export function createNames(api) {
  /** @type {Map<string, import("../view.js").Signal<string | null>>} */
  const names = new Map();
  /** @type {Set<string>} */
  const wanted = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  async function read() {
    timer = undefined;
    const uids = [...wanted].slice(0, AT_ONCE);
    for (const uid of uids) wanted.delete(uid);
    if (wanted.size > 0) timer = setTimeout(read, TOGETHER_MS);
    const rql = `in(device_uid,${uids.map((uid) => JSON.stringify(uid)).join(",")})`;
    try {
      take((await api.get("/devices", { rql, limit: AT_ONCE })).items);
    } catch {
      // A list without names is a list all the same; whoever asks again may have more luck.
      for (const uid of uids) names.delete(uid);
    }
  }

  /** @param {{device_uid: string, name: string | null}[]} devices */
  function take(devices) {
    for (const { device_uid: uid, name } of devices) held(uid).value = name;
  }

  /** @param {string} uid */
  function held(uid) {
    let name = names.get(uid);
    if (!name) names.set(uid, (name = signal(/** @type {string | null} */ (null))));
    return name;
  }

  return {
    take,

    /** The device's name, or its uid until that is known or while it has none. @param {string} uid */
    of(uid) {
      if (!names.has(uid)) {
        wanted.add(uid);
        timer ??= setTimeout(read, TOGETHER_MS);
      }
      return held(uid).value ?? uid;
    },

    clear() {
      names.clear();
      wanted.clear();
    },
  };
}

/** @typedef {ReturnType<typeof createNames>} Names */
