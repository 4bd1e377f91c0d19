"""From a configuration's row to the event about it, pure."""

from typing import TypeVar

from device_management.configuration.models import Configuration
from shared.contracts.configuration import ConfigurationState

E = TypeVar("E", bound=ConfigurationState)


def state_event(kind: type[E], configuration: Configuration, device_uid: str, *, drift: int | None) -> E:
    """An event of `kind`. Its version is the moment of the change: who changes a configuration holds its row."""
    return kind(
        organization_id=configuration.organization_id,
        version=int(configuration.updated_at.timestamp() * 1_000_000),
        device_uid=device_uid,
        desired_version=configuration.version,
        drift=drift,
        reported_at=configuration.reported_at,
        updated_at=configuration.updated_at,
    )
