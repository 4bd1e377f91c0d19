/** What a cluster's or a batch's devices are chosen by, in words: pure. */

const NAMED = 3;

/**
 * @param {Record<string, any>} selection `group_id`, `site_id`, `rql` or `device_uids` of a release; `group`, `rql` or `device_ids` of a batch
 * @param {{groups?: ReadonlyMap<number, string>, sites?: ReadonlyMap<number, string>}} [names]
 */
export function selectionInWords(selection, { groups, sites } = {}) {
  const group = selection.group_id ?? selection.group;
  if (group !== undefined) return `group ${groups?.get(Number(group)) ?? group}`;
  if (selection.site_id !== undefined) return `site ${sites?.get(Number(selection.site_id)) ?? selection.site_id}`;
  if (selection.rql !== undefined) return selection.rql;
  const uids = selection.device_uids ?? selection.device_ids ?? [];
  if (!Array.isArray(uids) || uids.length === 0) return "";
  return uids.length <= NAMED ? uids.join(", ") : `${uids.slice(0, NAMED).join(", ")} and ${uids.length - NAMED} more`;
}
