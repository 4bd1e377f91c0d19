"""An action, and how a configuration stands, as they are kept: as their watchers see them, and whose they are."""

from dataclasses import dataclass

from shared.contracts.live import ActionItem, ConfigurationItem


@dataclass(frozen=True, slots=True)
class Task:
    """An action on a device, or the state of its configuration."""

    organization_id: int
    item: ActionItem | ConfigurationItem
