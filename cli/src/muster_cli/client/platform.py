"""The client of one platform: a table of contents of its calls."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx

from muster_cli.client.accounts import AccountClient
from muster_cli.client.actions import ActionClient
from muster_cli.client.alerts import AlertClient
from muster_cli.client.audit import AuditClient
from muster_cli.client.batches import BatchClient
from muster_cli.client.configuration import ConfigurationClient
from muster_cli.client.device_files import DeviceFileClient
from muster_cli.client.devices import DeviceClient
from muster_cli.client.firmware import FirmwareClient
from muster_cli.client.groups import GroupClient
from muster_cli.client.people import PeopleClient
from muster_cli.client.releases import ReleaseClient
from muster_cli.client.sites import SiteClient
from muster_cli.client.telemetry import TelemetryClient
from muster_cli.client.updates import UpdateClient
from muster_cli.sign_in import SignIn

_MAX_CONNECTIONS = 32
_TIMEOUT_S = 15.0


class MusterClient(
    PeopleClient,
    DeviceClient,
    DeviceFileClient,
    AuditClient,
    GroupClient,
    ConfigurationClient,
    SiteClient,
    FirmwareClient,
    UpdateClient,
    BatchClient,
    ReleaseClient,
    ActionClient,
    AccountClient,
    TelemetryClient,
    AlertClient,
):
    """Calls of one signed-in person. Every method raises Refused, or Unreachable when trying later may help."""

    @classmethod
    @asynccontextmanager
    async def open(cls, server: str, sign_in: SignIn) -> AsyncGenerator["MusterClient"]:
        """A client for `server`, the gateway's origin. It signs in with the first call."""
        limits = httpx.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=_MAX_CONNECTIONS)
        async with httpx.AsyncClient(base_url=server, auth=sign_in, timeout=_TIMEOUT_S, limits=limits) as http:
            yield cls(http)
