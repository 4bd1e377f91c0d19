"""Who is signed in, and their API keys."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from pydantic import BaseModel

from muster_cli.client.rest import Rest


class Organization(BaseModel):
    id: int
    name: str


class Me(BaseModel):
    """The signed-in person; `scopes` are those of the token."""

    email: str
    organization: Organization
    scopes: list[str]


class ApiKey(BaseModel):
    """A key that was issued: its token is shown this once."""

    id: str
    token: str
    expires_at: datetime


class PeopleClient(Rest):
    async def me(self) -> Me:
        return await self._call(Me, "GET", "/api/v2/auth/me")

    async def issue_api_key(self, name: str, scopes: Sequence[str], *, days: int) -> ApiKey:
        body = {"name": name, "scopes": list(scopes), "expires_in_days": days}
        return await self._call(ApiKey, "POST", "/api/v2/api-keys", json=body)

    async def revoke_api_key(self, key_id: str) -> None:
        await self._send("DELETE", f"/api/v2/api-keys/{quote(key_id, safe='')}")
