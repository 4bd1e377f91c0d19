"""From an organization's row to the events about it, pure."""

from typing import TypeVar

from device_management.organizations.models import Organization
from shared.contracts.organizations import OrganizationState

E = TypeVar("E", bound=OrganizationState)


def state_event(kind: type[E], organization: Organization) -> E:
    """An event of `kind` with the organization's whole public state."""
    assert organization.id is not None  # noqa: S101 - it comes from the database
    return kind(
        organization_id=organization.id,
        version=organization.version,
        slug=organization.slug,
        name=organization.name,
        state=organization.state,
        device_limit=organization.device_limit,
        telemetry_retention=organization.telemetry_retention,
        settings=organization.settings,
        created_at=organization.created_at,
        updated_at=organization.updated_at,
    )
