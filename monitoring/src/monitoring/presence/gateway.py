"""The broker's management API, as a user who may only look: which connections there are."""

from typing import Any

import httpx

from monitoring.presence.errors import BrokerManagementAway
from monitoring.presence.models import Connection, Opened


class BrokerConnections:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def live(self) -> list[Opened]:
        """Every live connection by its user, services included. Raises BrokerManagementAway."""
        try:
            answer = await self._client.get("/api/connections", params={"columns": "user,name,connected_at"})
            answer.raise_for_status()
            found: list[dict[str, Any]] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise BrokerManagementAway(f"the broker's management did not answer: {type(error).__name__}") from error
        return [
            Opened(entry["user"], Connection(entry["connected_at"], "", entry["name"]))
            for entry in found
            if {"user", "name", "connected_at"} <= entry.keys()
        ]
