/** The draft of a release, kept for the tab: a look at another page or a reload does not lose it. */

import { effect, signal } from "../../view.js";
import { newDraft } from "./draft.js";

const KEY = "muster.release-draft";

/**
 * @param {string} person the id of the one who draws it up; another's draft is not shown
 * @param {Pick<Storage, "getItem" | "setItem" | "removeItem">} [storage]
 */
export function keptDraft(person, storage = globalThis.sessionStorage) {
  const draft = signal(read());
  const stop = effect(() => storage.setItem(KEY, JSON.stringify({ person, draft: draft.value })));

  function read() {
    try {
      const kept = JSON.parse(storage.getItem(KEY) ?? "null");
      return kept?.person === person ? { ...newDraft(), ...kept.draft } : newDraft();
    } catch {
      return newDraft();
    }
  }

  return {
    draft,
    stop,

    /** Begins anew. */
    forget() {
      draft.value = newDraft();
    },
  };
}
