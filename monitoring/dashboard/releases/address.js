/** The addresses of releases and batches. */

import { href } from "../shell/router.js";

export const NEW = "new";
export const BATCHES = "batches";

export const RELEASES_HREF = href("releases");
/** The steps of a new release that begins with a firmware. @param {number} firmware its id */
export const newReleaseHref = (firmware) => href("releases", [NEW], { firmware });

export const NEW_RELEASE_HREF = href("releases", [NEW]);
export const BATCHES_HREF = href("releases", [BATCHES]);

/**
 * @param {string} slug one that is a page's own word too is addressed by its id
 * @param {string} [why] the uid of a device that is asked after
 */
export function releaseHref(slug, why) {
  return href("releases", [slug === NEW || slug === BATCHES ? `release:${slug}` : slug], { why });
}

/** @param {number} id */
export const batchHref = (id) => href("releases", [BATCHES, id]);
