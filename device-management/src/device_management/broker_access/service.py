"""Use cases of broker access: the broker's questions, and ending what may not go on.

A revocation closes the device's connections at once, and again once the broker has forgotten its remembered answers;
a sweep closes whatever both have missed.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta

import structlog
from prometheus_client import Counter
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from device_management.broker_access.errors import BrokerManagementAway
from device_management.broker_access.gateway import BrokerManagement
from device_management.broker_access.rules import (
    GRACE,
    good_generation,
    may_use_resource,
    may_use_topic,
    must_close,
)
from device_management.device_tokens.models import Credential
from device_management.device_tokens.service import DeviceTokenService
from shared.clock import Clock
from shared.tokens import Audience, InvalidToken, KeyRing

_CLOSED = Counter("muster_broker_users_closed_total", "Devices whose connections were ended", ["because"])
_LOGINS = Counter("muster_broker_logins_total", "Logins the broker asked about", ["answer"])

_log = structlog.get_logger(__name__)

_AT_ONCE = 16
"""Connections ended side by side, when there are many."""

Credentials = Callable[[Sequence[str]], Awaitable[list[Credential]]]


class BrokerAccessService:
    """Answers the broker. Every answer is about one device and its own names."""

    def __init__(self, tokens: DeviceTokenService, *, keys: KeyRing, vhost: str) -> None:
        self._tokens = tokens
        self._keys = keys
        self._vhost = vhost

    async def may_log_in(self, username: str, password: str, client_id: str | None) -> bool:
        """Whether `password` is a good token of the device `username`.

        An MQTT client id that is not the uid is refused: it would take over another device's session.
        """
        allowed = (client_id is None or client_id == username) and await self._good_token(username, password)
        _LOGINS.labels("allow" if allowed else "deny").inc()
        return allowed

    def may_enter(self, vhost: str) -> bool:
        return vhost == self._vhost

    def may_use_resource(self, uid: str, *, vhost: str, kind: str, name: str, permission: str) -> bool:
        return self.may_enter(vhost) and may_use_resource(uid, kind=kind, name=name, permission=permission)

    def may_use_topic(self, uid: str, *, vhost: str, exchange: str, permission: str, routing_key: str) -> bool:
        return self.may_enter(vhost) and may_use_topic(
            uid, exchange=exchange, permission=permission, routing_key=routing_key
        )

    async def _good_token(self, uid: str, token: str) -> bool:
        try:
            claims = self._keys.verify(token, Audience.DEVICE)
        except InvalidToken:
            return False
        if claims.subject != uid:
            return False
        device = await self._tokens.credential(uid)
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


class ConnectionCloser:
    """Ends connections, in the worker alone: only it holds an administrator of the broker."""

    def __init__(self, management: BrokerManagement, credentials: Credentials, *, clock: Clock) -> None:
        self._management = management
        self._credentials = credentials
        self._clock = clock
        self._again: deque[tuple[float, str | None]] = deque()
        self._more = asyncio.Event()

    async def close(self, uids: Sequence[str]) -> None:
        """Closes now, trying for 30 s, and notes to close again after the grace. Raises BrokerManagementAway."""
        self._note(*uids)
        for uid in uids:
            await self._close(uid, "revoked")

    async def close_stale(self) -> None:
        """The same for all who may not go on, whoever they are. Raises BrokerManagementAway."""
        self._note(None)
        await self.sweep()

    async def close_again(self) -> None:
        """Runs until cancelled: the second close of each, once the broker has forgotten its remembered answer."""
        loop = asyncio.get_running_loop()
        while True:
            while self._again:
                due, subject = self._again[0]
                await asyncio.sleep(max(0.0, due - loop.time()))
                await (self.sweep() if subject is None else self._close(subject, "remembered"))
                self._again.popleft()
            self._more.clear()
            await self._more.wait()

    async def sweep(self) -> None:
        """Closes every live connection that may not go on: see `rules.must_close`."""
        live = await self._management.connections()
        known = {entry.device_uid: entry for entry in await self._credentials(sorted({found.user for found in live}))}
        now = self._clock.now()
        stale = {
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

    async def _close_many(self, uids: Iterable[str], because: str) -> None:
        places = asyncio.Semaphore(_AT_ONCE)

        async def close(uid: str) -> None:
            async with places:
                await self._close(uid, because)

        await asyncio.gather(*map(close, uids))

    async def _close(self, uid: str, because: str) -> None:
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(BrokerManagementAway),
            wait=wait_fixed(timedelta(seconds=0.5)),
            stop=stop_after_delay(timedelta(seconds=30)),
            reraise=True,
        ):
            with attempt:
                await self._management.close_connections_of(uid)
        _CLOSED.labels(because).inc()
        _log.info("connections ended", device_uid=uid, because=because)
