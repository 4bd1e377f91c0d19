"""The HTTP shapes of sites. A password goes in and never comes out."""

import re
import ssl
from datetime import datetime
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from device_management.devices.schemas import Word
from device_management.sites.states import LinkState
from shared.names import readable

DEFAULT_TEMPLATE = "devices/{uid}/telemetry"


def _text(value: str) -> str:
    if "\0" in value:
        raise PydanticCustomError("text_nul", "text must not hold NUL")
    return value


def _host(value: str) -> str:
    if any(character.isspace() or character in "/@\0?#" for character in value) or not value.isprintable():
        raise PydanticCustomError("host", "a host name or an address, without scheme, port or path")
    return value


def _digits(value: object) -> object:
    """A number for a string of digits; all else as it is."""
    return int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,5}", value) else value


def _certificate(value: str) -> str:
    try:
        ssl.create_default_context(cadata=value)
    except (ssl.SSLError, ValueError, TypeError):
        raise PydanticCustomError("certificate", "certificates in PEM form") from None
    return value


SiteName = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(readable)]
Host = Annotated[str, StringConstraints(min_length=1, max_length=253), AfterValidator(_host)]
Port = Annotated[
    int, Field(ge=1, le=65_535, strict=True, description="A number, or a string of digits"), BeforeValidator(_digits)
]
Username = Annotated[str, StringConstraints(max_length=128), AfterValidator(_text)]
Password = Annotated[str, StringConstraints(max_length=512), AfterValidator(_text)]
Certificate = Annotated[str, StringConstraints(min_length=1, max_length=65_536), AfterValidator(_certificate)]
Template = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_text)]
DeviceId = Annotated[int, Field(ge=1, lt=2**63, strict=True)]
Description = Annotated[str, StringConstraints(max_length=500), AfterValidator(_text)]


class SiteCreate(BaseModel):
    """A site's MQTT broker. `ca_certificate` (PEM) is for a private authority; without it the system's are trusted."""

    model_config = ConfigDict(extra="forbid")

    name: SiteName
    host: Host
    port: Port = 1883
    username: Username | None = None
    password: Password | None = None
    tls: StrictBool = False
    ca_certificate: Certificate | None = None
    topic_template: Template = DEFAULT_TEMPLATE
    description: Description | None = None
    enabled: StrictBool = True


class SiteChange(BaseModel):
    """What is named changes, what is left out stays; null takes an optional member away."""

    model_config = ConfigDict(extra="forbid")

    name: SiteName = ""
    host: Host = ""
    port: Port = 1883
    username: Username | None = None
    password: Password | None = None
    tls: StrictBool = False
    ca_certificate: Certificate | None = None
    topic_template: Template = DEFAULT_TEMPLATE
    description: Description | None = None
    enabled: StrictBool = True

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("nothing", "name at least one member to change")
        return self


class LinkRead(BaseModel):
    """The link as its worker last said. The counts are of messages since the site exists."""

    state: LinkState
    error: str | None
    changed_at: datetime
    last_message_at: datetime | None
    forwarded: int
    unknown: int
    refused: int


class SiteRead(BaseModel):
    id: int
    organization_id: int
    name: str
    host: str
    port: int
    username: str | None
    has_password: bool
    tls: bool
    ca_certificate: str | None
    topic_template: str
    description: str | None
    enabled: bool
    version: int
    created_at: datetime
    updated_at: datetime
    link: LinkRead


class SiteDeviceRead(BaseModel):
    """A device heard at a site."""

    device_id: int
    device_uid: str
    first_heard_at: datetime
    last_heard_at: datetime


class SiteDevices(BaseModel):
    """Devices by uid, or by id as text or number."""

    model_config = ConfigDict(extra="forbid")

    devices: Annotated[list[Word | DeviceId], Field(min_length=1, max_length=10_000)]

    def references(self) -> list[str]:
        """Each once, in their order."""
        return list(dict.fromkeys(map(str, self.devices)))


class DevicesMoved(BaseModel):
    """How many devices came to a site, or left it."""

    changed: int
