"""Use cases of broker access: the broker's questions, and ending what may not go on.

A revocation closes the device's connections at once, and again when those who were being let in are connected; a sweep
closes whatever both have missed.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import structlog
from prometheus_client import Counter
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from device_management.audit.schemas import Actor
from device_management.audit.states import ActorKind
from device_management.broker_access.errors import BrokerManagementAway
from device_management.broker_access.gateway import BrokerManagement
from device_management.broker_access.rules import (
    GRACE,
    device_asked_for,
    gateway_of,
    gateway_user,
    good_gateway,
    good_generation,
    may_use_resource,
    may_use_topic,
    must_close,
    tags,
)
from device_management.device_tokens.models import Credential
from device_management.device_tokens.service import DeviceTokenService
from device_management.devices.states import ENDED
from device_management.keys.models import Gateway
from device_management.keys.service import KeyService
from device_management.registration.schemas import DeviceCreate
from device_management.registration.service import RegistrationService
from shared.clock import Clock
from shared.errors import DomainError
from shared.http.scope import Scopes
from shared.sql.unit_of_work import UnitOfWork
from shared.together import Together
from shared.tokens import Audience, InvalidToken, KeyRing

_CLOSED = Counter("muster_broker_users_closed_total", "Devices whose connections were ended", ["because"])
_LOGINS = Counter("muster_broker_logins_total", "Logins the broker asked about", ["answer"])

_log = structlog.get_logger(__name__)

_AT_ONCE = 16
"""Connections ended side by side, when there are many."""


class Credentials:
    """What decides about devices that log in: those that come while a read is under way are read together by the next.

    A fleet that comes back at once costs few queries, and each of its devices no transaction.
    """

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes
        self._logins: Together[str, Credential] = Together(self._read)

    async def credential(self, uid: str) -> Credential | None:
        """Raises ServiceUnavailable."""
        return await self._logins.ask(uid)

    async def _read(self, uids: Sequence[str]) -> dict[str, Credential]:
        async with self._scopes() as scope:
            found = await scope.get(DeviceTokenService).credentials(uids)
        return {credential.device_uid: credential for credential in found}


class BrokerAccessService:
    """Answers the broker. Every answer is about one device: itself, or one for which a gateway speaks."""

    def __init__(
        self,
        unit: UnitOfWork,
        credentials: Credentials,
        tokens: DeviceTokenService,
        gateways: KeyService,
        registration: RegistrationService,
        *,
        keys: KeyRing,
        vhost: str,
        clock: Clock,
    ) -> None:
        self._unit = unit
        self._credentials = credentials
        self._tokens = tokens
        self._gateways = gateways
        self._registration = registration
        self._keys = keys
        self._vhost = vhost
        self._clock = clock

    async def log_in(self, username: str, password: str, client_id: str | None) -> str | None:
        """The tags of who logs in, None unless `password` is a good token of the device or gateway named `username`.

        An MQTT client id that is not the user name is refused: it would take over another one's session.
        """
        gateway_id = gateway_of(username)
        good = (
            self._good_token(username, password)
            if gateway_id is None
            else self._good_gateway_token(gateway_id, password)
        )
        allowed = await good and (client_id is None or client_id == username)
        _LOGINS.labels("allow" if allowed else "deny").inc()
        return tags(username, self._clock.now()) if allowed else None

    def may_enter(self, vhost: str) -> bool:
        return vhost == self._vhost

    def may_use_resource(self, user: str, *, vhost: str, kind: str, name: str, permission: str) -> bool:
        return self.may_enter(vhost) and may_use_resource(user, kind=kind, name=name, permission=permission)

    async def may_use_topic(self, user: str, *, vhost: str, exchange: str, permission: str, routing_key: str) -> bool:
        """A gateway is asked for by its device: one that nobody knows may come to be by the question.

        A gateway that is going to read a device's commands gets those that wait for it, moments later.
        """
        if not self.may_enter(vhost):
            return False
        gateway_id = gateway_of(user)
        if gateway_id is None:
            return may_use_topic(user, exchange=exchange, permission=permission, routing_key=routing_key)
        uid = device_asked_for(exchange=exchange, permission=permission, routing_key=routing_key)
        allowed = uid is not None and await self._speaks_for(gateway_id, uid)
        if uid is not None and allowed and permission == "read":
            self._unit.outbox.devices_connected([uid])
        return allowed

    async def _speaks_for(self, gateway_id: UUID, uid: str) -> bool:
        gateway = await self._good_gateway(gateway_id)
        if gateway is None:
            return False
        device = await self._tokens.credential(uid)
        if device is None:
            by = Actor(ActorKind.GATEWAY, str(gateway.id), gateway.name)
            try:
                await self._registration.register(gateway.organization_id, DeviceCreate(device_uid=uid), by=by)
            except DomainError as error:
                _log.info("a gateway's device is not registered", device_uid=uid, code=error.code)
            # Read anew: of two questions at once one registers, and another organization may have been faster.
            device = await self._tokens.credential(uid)
        return (
            device is not None and device.organization_id == gateway.organization_id and device.lifecycle not in ENDED
        )

    async def _good_gateway_token(self, gateway_id: UUID, token: str) -> bool:
        try:
            claims = self._keys.verify(token, Audience.GATEWAY)
        except InvalidToken:
            return False
        return claims.subject == str(gateway_id) and await self._good_gateway(gateway_id) is not None

    async def _good_gateway(self, gateway_id: UUID) -> Gateway | None:
        for found in await self._gateways.gateways([gateway_id]):
            if _is_good(found, self._clock):
                return found
        return None

    async def _good_token(self, uid: str, token: str) -> bool:
        try:
            claims = self._keys.verify(token, Audience.DEVICE)
        except InvalidToken:
            return False
        if claims.subject != uid:
            return False
        device = await self._credentials.credential(uid)
        return (
            device is not None
            and device.organization_id == claims.organization_id
            and good_generation(
                suspended=device.suspended,
                lifecycle=device.lifecycle,
                generation=claims.generation,
                min_generation=device.min_token_generation,
            )
        )


class Bearers(Protocol):
    """Whoever knows what stands behind the users of the broker."""

    async def devices(self, uids: Sequence[str]) -> list[Credential]: ...

    async def gateways(self, ids: Collection[UUID]) -> list[Gateway]: ...

    async def gateways_of(self, organization_ids: Collection[int]) -> Sequence[UUID]: ...


class KnownBearers:
    """As the database knows them, each question in a unit of its own."""

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def devices(self, uids: Sequence[str]) -> list[Credential]:
        async with self._scopes() as scope:
            return await scope.get(DeviceTokenService).credentials(uids)

    async def gateways(self, ids: Collection[UUID]) -> list[Gateway]:
        async with self._scopes() as scope:
            return await scope.get(KeyService).gateways(ids)

    async def gateways_of(self, organization_ids: Collection[int]) -> Sequence[UUID]:
        async with self._scopes() as scope:
            return await scope.get(KeyService).gateways_of(organization_ids)


class ConnectionCloser:
    """Ends connections, in the worker alone: only it holds an administrator of the broker."""

    def __init__(self, management: BrokerManagement, bearers: Bearers, *, clock: Clock) -> None:
        self._management = management
        self._bearers = bearers
        self._clock = clock
        self._again: deque[tuple[float, str | None]] = deque()
        self._more = asyncio.Event()

    async def close(self, users: Sequence[str]) -> None:
        """Closes now, trying for 30 s, and notes to close again after the grace. Raises BrokerManagementAway."""
        self._note(*users)
        for user in users:
            await self._close(user, "revoked")

    async def close_gateways_of(self, organization_ids: Collection[int]) -> None:
        """A connection remembers for whom it may speak: the gateways of these organizations have to ask again.

        Raises BrokerManagementAway.
        """
        found = await self._bearers.gateways_of(organization_ids)
        await self.close([gateway_user(gateway_id) for gateway_id in found])

    async def close_stale(self) -> None:
        """The same for all who may not go on, whoever they are. Raises BrokerManagementAway."""
        self._note(None)
        await self.sweep()

    async def close_again(self) -> None:
        """Runs until cancelled: the second close of each, after the grace."""
        loop = asyncio.get_running_loop()
        while True:
            while self._again:
                due, subject = self._again[0]
                await asyncio.sleep(max(0.0, due - loop.time()))
                await (self.sweep() if subject is None else self._close(subject, "again"))
                self._again.popleft()
            self._more.clear()
            await self._more.wait()

    async def sweep(self) -> None:
        """Closes every live connection that may not go on: see `rules.must_close`."""
        live = await self._management.connections()
        users = sorted({found.user for found in live})
        known = {entry.device_uid: entry for entry in await self._bearers.devices(users)}
        gateways = [gateway_id for user in users if (gateway_id := gateway_of(user)) is not None]
        now = self._clock.now()
        stale = {
            gateway_user(gateway.id)
            for gateway in await self._bearers.gateways(gateways)
            if not _is_good(gateway, self._clock)
        } | {
            found.user
            for found in live
            if (device := known.get(found.user)) is not None
            and must_close(
                connected_at=found.connected_at,
                suspended=device.suspended,
                lifecycle=device.lifecycle,
                tokens_revoked_at=device.tokens_revoked_at,
                token_expires_at=device.token_expires_at,
                now=now,
            )
        }
        await self._close_many(stale, "swept")

    def _note(self, *subjects: str | None) -> None:
        due = asyncio.get_running_loop().time() + GRACE.total_seconds()
        self._again.extend((due, subject) for subject in subjects)
        self._more.set()

    async def _close_many(self, users: Iterable[str], because: str) -> None:
        places = asyncio.Semaphore(_AT_ONCE)

        async def close(user: str) -> None:
            async with places:
                await self._close(user, because)

        await asyncio.gather(*map(close, users))

    async def _close(self, user: str, because: str) -> None:
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(BrokerManagementAway),
            wait=wait_fixed(timedelta(seconds=0.5)),
            stop=stop_after_delay(timedelta(seconds=30)),
            reraise=True,
        ):
            with attempt:
                await self._management.close_connections_of(user)
        _CLOSED.labels(because).inc()
        _log.info("connections ended", user=user, because=because)


def _is_good(gateway: Gateway, clock: Clock) -> bool:
    return good_gateway(
        suspended=gateway.suspended, revoked=gateway.revoked, expires_at=gateway.expires_at, now=clock.now()
    )
