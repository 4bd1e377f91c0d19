/** The newest state of the fleet over REST, for when the live connection is not there to bring it. */

/**
 * @param {object} parts
 * @param {import("../rest.js").Api} parts.api
 * @param {import("./feed.js").Feed} parts.feed
 * @param {string} [deviceUid] one device rather than all
 * @param {AbortSignal} [signal]
 */
export async function catchUp({ api, feed }, deviceUid, signal) {
  const query = { device_uid: deviceUid, limit: 500 };
  await Promise.all([
    readAll(api.pages("/presence", query, signal), feed.presence),
    readAll(api.pages("/telemetry/latest", query, signal), feed.latest),
  ]);
}

/**
 * @param {AsyncGenerator<any[]>} pages
 * @param {(items: any[]) => void} take
 */
async function readAll(pages, take) {
  for await (const items of pages) take(items);
}
