"""RabbitMQ's management API, as an administrator: which connections there are, and ending one user's."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx

from device_management.broker_access.errors import BrokerManagementAway


@dataclass(frozen=True)
class Connection:
    user: str
    connected_at: datetime


class BrokerManagement:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def connections(self) -> list[Connection]:
        """Every live connection. Raises BrokerManagementAway."""
        found: list[dict[str, Any]] = await self._ask("GET", "/api/connections?columns=user,connected_at", {200})
        return [
            Connection(entry["user"], datetime.fromtimestamp(entry["connected_at"] / 1_000, UTC))
            for entry in found
            if "user" in entry and "connected_at" in entry
        ]

    async def close_connections_of(self, user: str) -> None:
        """Ends every connection of this user; none is fine. Raises BrokerManagementAway."""
        await self._ask("DELETE", f"/api/connections/username/{quote(user, safe='')}", {200, 204, 404})

    async def _ask(self, method: str, path: str, expected: set[int]) -> Any:
        try:
            answer = await self._client.request(method, path, headers={"X-Reason": "access revoked"})
        except httpx.HTTPError as error:
            raise BrokerManagementAway(f"the broker's management did not answer: {type(error).__name__}") from error
        if answer.status_code not in expected:
            raise BrokerManagementAway(f"the broker's management answered {answer.status_code}")
        return answer.json() if answer.status_code == 200 and answer.content else None
