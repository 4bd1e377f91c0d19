"""A release, a batch or a configuration job as it is kept: as its watchers see it, and whose it is."""

from dataclasses import dataclass

from shared.contracts.live import BatchItem, ConfigurationJobItem, ReleaseItem

RolloutItem = ReleaseItem | BatchItem | ConfigurationJobItem


@dataclass(frozen=True, slots=True)
class Rollout:
    organization_id: int
    item: RolloutItem
