/** What `app.js` wires together, handed to every page. */

import { createContext, useContext } from "../view.js";

/**
 * @typedef {object} App
 * @property {import("../auth/session.js").Session} session
 * @property {import("../rest.js").Api} api
 * @property {import("../live/feed.js").Feed} feed
 * @property {import("../live/connection.js").Connection} connection
 * @property {import("../fleet/inventory.js").Inventory} inventory
 * @property {import("../fleet/names.js").Names} names
 * @property {import("../firmware/library.js").Library} library
 * @property {import("../view.js").Signal<import("./router.js").Route>} route
 */

export const AppContext = createContext(/** @type {App} */ (/** @type {unknown} */ (null)));

/** @returns {App} */
export const useApp = () => useContext(AppContext);
