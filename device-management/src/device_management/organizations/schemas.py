"""The HTTP shapes of organizations."""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from device_management.organizations.errors import OrganizationNotFound
from device_management.organizations.states import TelemetryRetention
from shared.contracts.nesting import deeper_than
from shared.contracts.nul import holds_nul
from shared.contracts.numbers import beyond_doubles
from shared.http.declared import raises
from shared.names import readable

MAX_ID = 2**31 - 1
MAX_SETTINGS_BYTES = 16 * 1024
MAX_SETTINGS_DEPTH = 8


def _bounded(settings: dict[str, Any]) -> dict[str, Any]:
    if deeper_than(settings, MAX_SETTINGS_DEPTH):
        raise ValueError(f"settings hold at most {MAX_SETTINGS_DEPTH} levels")
    if beyond_doubles(settings):
        raise ValueError("numbers beyond 1.8e308 are infinite to most programs")
    written = json.dumps(settings, allow_nan=False).encode()
    if len(written) > MAX_SETTINGS_BYTES:
        raise ValueError(f"settings hold at most {MAX_SETTINGS_BYTES} bytes")
    if holds_nul(written):
        raise ValueError("NUL has no place in text")
    return settings


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(readable)]
DeviceLimit = Annotated[int, Field(ge=0, le=MAX_ID, strict=True)]
Retention = Annotated[TelemetryRetention, Field(description="How long raw telemetry is kept; the platform's to say")]
Settings = Annotated[dict[str, Any], AfterValidator(_bounded)]

AnotherOrganization = Annotated[
    int | None,
    Query(alias="organization_id", ge=1, le=MAX_ID, description="another one, for platform administrators"),
    raises(OrganizationNotFound),
]
"""Whose people and roles are meant; the caller's own when it is left out."""


class OrganizationCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    slug: Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$")]
    name: Name
    device_limit: DeviceLimit | None = None
    telemetry_retention: Retention = TelemetryRetention.STANDARD
    settings: Settings = Field(default_factory=dict)


class OrganizationEdit(BaseModel):
    """What is left out stays as it is; `device_limit: null` takes the limit away.

    The limit and the retention are the platform's to say.
    """

    model_config = ConfigDict(extra="forbid")

    name: Name = ""
    device_limit: DeviceLimit | None = None
    telemetry_retention: Retention = TelemetryRetention.STANDARD
    settings: Settings = Field(default_factory=dict)


class OrganizationRead(BaseModel):
    id: int
    slug: str
    name: str
    state: str
    device_limit: int | None
    telemetry_retention: TelemetryRetention
    settings: dict[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime


class OrganizationDetail(OrganizationRead):
    devices: int
    """How many count against the limit: all but retired ones."""
