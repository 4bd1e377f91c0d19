"""Events about organizations, published by device-management."""

from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field

from shared.contracts.envelope import EventData


class OrganizationState(EventData):
    """The whole public state of an organization. `device_limit` is None where there is none."""

    type: ClassVar[str]

    slug: str
    name: str
    state: str
    device_limit: int | None = None
    telemetry_retention: str = "standard"
    """How long raw telemetry is kept: `short`, `standard` or `long`."""

    settings: dict[str, Any] = Field(default_factory=dict[str, Any])
    created_at: datetime
    updated_at: datetime

    def subject(self) -> str:
        return f"organization/{self.organization_id}"


class OrganizationCreated(OrganizationState):
    type = "organization.created.v1"


class OrganizationChanged(OrganizationState):
    type = "organization.changed.v1"


class OrganizationSuspended(OrganizationState):
    type = "organization.suspended.v1"


class OrganizationReactivated(OrganizationState):
    type = "organization.reactivated.v1"


class OrganizationSnapshot(OrganizationState):
    """Not a change: the present state, sent again so that a copy can be rebuilt."""

    type = "organization.snapshot.v1"
