"""Sites: places with an MQTT broker of their own."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from muster_cli import problems
from muster_cli.client.rest import Rest
from muster_cli.errors import Refused

_SITES = "/api/v2/sites"


class SiteLink(BaseModel):
    """The link to a site's broker as its worker last said. The counts are of messages since the site exists."""

    state: str
    error: str | None = None
    changed_at: datetime
    last_message_at: datetime | None = None
    forwarded: int
    unknown: int
    refused: int


class Site(BaseModel):
    """The password goes in and never comes out."""

    id: int
    name: str
    host: str
    port: int
    username: str | None = None
    has_password: bool
    tls: bool
    topic_template: str
    description: str | None = None
    enabled: bool
    version: int
    created_at: datetime
    updated_at: datetime
    link: SiteLink


class SiteDevice(BaseModel):
    """A device heard at a site."""

    device_id: int
    device_uid: str
    first_heard_at: datetime
    last_heard_at: datetime


class SiteClient(Rest):
    def sites(self, *, limit: int | None = None) -> AsyncIterator[Site]:
        """Oldest first; at most `limit`."""
        return self._items(Site, _SITES, {}, limit=limit)

    async def find_site(self, reference: str) -> Site:
        """By its id, or by its name."""
        if reference.isdecimal():
            return await self._call(Site, "GET", f"{_SITES}/{reference}")
        async for site in self.sites():
            if site.name == reference:
                return site
        code = "site_not_found"
        raise Refused(404, code, f'there is no site "{reference}"', problems.next_step(code, 404))

    async def create_site(self, body: Mapping[str, Any]) -> Site:
        return await self._call(Site, "POST", _SITES, json=body)

    async def change_site(self, site_id: int, body: Mapping[str, Any]) -> Site:
        """What `body` names changes; the link starts anew."""
        return await self._call(Site, "PATCH", f"{_SITES}/{site_id}", json=body)

    async def delete_site(self, site_id: int) -> None:
        """Its devices stay, without a site."""
        await self._send("DELETE", f"{_SITES}/{site_id}")

    def site_devices(self, site_id: int, *, limit: int | None = None) -> AsyncIterator[SiteDevice]:
        """The devices heard there; at most `limit`."""
        return self._items(SiteDevice, f"{_SITES}/{site_id}/devices", {}, limit=limit)
