"""Keeping the links to the sites' brokers, and carrying telemetry over them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Protocol, TypeVar

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from device_management.bridges.errors import LinkLost, LinkRefused
from device_management.bridges.gateway import Address, Link, Received
from device_management.sites.models import Site, Tally
from device_management.sites.service import SiteService, id_of, template_of
from device_management.sites.states import LinkState
from shared.cancellation import end, is_cancelled
from shared.contracts.routes import DEVICES_EXCHANGE, device_key
from shared.contracts.telemetry import MAX_BODY_BYTES
from shared.egress import AddressRefused, Egress, HostUnknown
from shared.errors import ServiceUnavailable
from shared.http.scope import Scopes
from shared.messaging.errors import BrokerAway
from shared.messaging.publisher import Message, Publisher
from shared.sealing import CannotUnseal, Sealer

LEASE = timedelta(seconds=15)
_SAFE_PART = 0.8
"""Of the lease: a link is closed well before another worker may open one."""
_ROUND_S = 3.0
_NEW_A_ROUND = 5
"""Sites a worker takes on at a time, so that those who start together share them."""
_MOST = 500
_SPEAKERS_S = 5.0
_RECONNECT_AT_MOST_S = 60.0

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class Connects(Protocol):
    """How a link is opened: see `gateway.open_link`."""

    def __call__(self, address: Address, topic_filter: str) -> AbstractAsyncContextManager[Link]: ...


@dataclass
class _Bridge:
    """A site whose link this worker keeps, and what is to be told of it."""

    site: Site
    task: asyncio.Task[None] | None = None
    state: LinkState = LinkState.CONNECTING
    error: str | None = None
    tally: Tally = field(default_factory=Tally)
    told: tuple[LinkState, str | None] | None = None
    speakers: dict[str, tuple[float, bool]] = field(default_factory=dict[str, tuple[float, bool]])
    """By uid: until when it is known whether the site may speak for it."""

    def has_news(self) -> bool:
        return self.told != (self.state, self.error) or self.tally != Tally()


class SiteBridges:
    """In a worker: keeps the links to the sites it holds leases on, and forwards their devices' telemetry.

    A message is settled at its site once the platform's broker has confirmed it. A worker that cannot renew its leases
    closes its links before another may take them; should both have a link, the site's broker ends the older, and a
    sample that comes twice is stored once.
    """

    def __init__(
        self, scopes: Scopes, connect: Connects, publisher: Publisher, egress: Egress, sealer: Sealer, *, holder: str
    ) -> None:
        self._scopes = scopes
        self._connect = connect
        self._publisher = publisher
        self._egress = egress
        self._sealer = sealer
        self._holder = holder
        self._bridges: dict[int, _Bridge] = {}
        self._held_until = 0.0
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled; then the links are closed and the sites given back.

        News of a link is told at once, but new sites are taken by the clock alone: a worker that has links has news,
        and would have taken all the others' share as well.
        """
        takes_at = 0.0
        try:
            while not is_cancelled():
                takes = monotonic() >= takes_at
                if takes:
                    takes_at = monotonic() + _ROUND_S
                self._news.clear()
                await self._round(_NEW_A_ROUND if takes else 0)
                with suppress(TimeoutError):
                    async with asyncio.timeout(takes_at - monotonic()):
                        await self._news.wait()
        finally:
            await self._give_back()

    async def _round(self, new: int) -> None:
        """Renews the leases and takes `new` more, starts and ends links accordingly, and tells how they are."""
        began = monotonic()
        try:
            async with self._scopes() as scope:
                limit = len(self._bridges) + new
                held = await scope.get(SiteService).hold(self._holder, lasting=LEASE, limit=limit)
        except ServiceUnavailable:
            if monotonic() > self._held_until:
                await self._keep_only({})
            return
        self._held_until = began + LEASE.total_seconds() * _SAFE_PART
        await self._keep_only({id_of(site): site for site in held})
        with suppress(ServiceUnavailable):
            await self._tell(list(self._bridges.values()))

    async def _keep_only(self, sites: Mapping[int, Site]) -> None:
        ending = [
            site_id
            for site_id, bridge in self._bridges.items()
            if site_id not in sites or sites[site_id].version != bridge.site.version
        ]
        ended = [self._bridges.pop(site_id) for site_id in ending]
        await _ended(ended)
        with suppress(ServiceUnavailable):
            await self._tell(ended)
        for site_id, site in sites.items():
            if site_id not in self._bridges:
                bridge = self._bridges[site_id] = _Bridge(site)
                bridge.task = asyncio.create_task(self._keep(bridge), name=f"site-{site_id}")

    async def _tell(self, bridges: Sequence[_Bridge]) -> None:
        news = [(bridge, bridge.state, bridge.error, bridge.tally) for bridge in bridges if bridge.has_news()]
        if not news:
            return
        async with self._scopes() as scope:
            sites = scope.get(SiteService)
            for bridge, state, error, tally in news:
                await sites.note(self._holder, id_of(bridge.site), state, error, tally)
        for bridge, state, error, tally in news:
            bridge.told = (state, error)
            bridge.tally = bridge.tally.minus(tally)

    async def _give_back(self) -> None:
        bridges, self._bridges = list(self._bridges.values()), {}
        await _ended(bridges)
        with suppress(ServiceUnavailable):
            await self._tell(bridges)
            async with self._scopes() as scope:
                await scope.get(SiteService).release(self._holder, [id_of(bridge.site) for bridge in bridges])

    async def _keep(self, bridge: _Bridge) -> None:
        """Keeps one link until cancelled, through every loss of the site's broker."""
        while not is_cancelled():
            attempts = AsyncRetrying(
                retry=retry_if_exception_type(Exception),
                wait=wait_random_exponential(multiplier=1, max=_RECONNECT_AT_MOST_S),
            )
            async for attempt in attempts:
                with attempt:
                    lost = await self._served(bridge)
                    self._say(bridge, LinkState.UNREACHABLE, str(lost))
            await asyncio.sleep(1)

    async def _served(self, bridge: _Bridge) -> LinkLost:
        """As `_serve`; what nobody foresaw is told as well, and is no end of the link."""
        try:
            return await self._serve(bridge)
        except (LinkLost, LinkRefused, HostUnknown, AddressRefused, CannotUnseal):
            raise
        except Exception as error:
            _log.exception("a site link failed as nobody foresaw", site=bridge.site.id)
            self._say(bridge, LinkState.UNREACHABLE, type(error).__name__)
            raise

    async def _serve(self, bridge: _Bridge) -> LinkLost:
        """One connection, from opening to its loss, which is returned: reconnecting then begins without a wait.

        Raises LinkLost and LinkRefused when there is no connection in the first place.
        """
        opened = False
        try:
            async with self._connect(await self._address(bridge.site), template_of(bridge.site).filter) as link:
                opened = True
                self._say(bridge, LinkState.CONNECTED)
                # Python 3.11's wait_for loses a cancellation that meets its result, and a library below may use it.
                while not is_cancelled():
                    messages = await link.take(_MOST)
                    await self._forward(bridge, messages)
                    link.settle(messages)
                raise asyncio.CancelledError
        except LinkLost as error:
            if is_cancelled():
                # Leaving the connection failed as well, and that must not keep the link from ending.
                raise asyncio.CancelledError from None
            if opened:
                return error
            self._say(bridge, LinkState.UNREACHABLE, str(error))
            raise
        except HostUnknown as error:
            self._say(bridge, LinkState.UNREACHABLE, error.detail)
            raise
        except LinkRefused as error:
            self._say(bridge, LinkState.REFUSED, str(error))
            raise
        except AddressRefused as error:
            self._say(bridge, LinkState.FORBIDDEN, error.detail)
            raise
        except CannotUnseal:
            self._say(bridge, LinkState.REFUSED, "the stored password cannot be read any more; set it again")
            raise

    async def _address(self, site: Site) -> Address:
        return Address(
            host=site.host,
            address=await self._egress.resolve(site.host, site.port),
            port=site.port,
            client_id=site.client_id,
            username=site.username,
            password=None if site.password is None else self._sealer.open(site.password),
            tls=site.tls,
            ca_certificate=site.ca_certificate,
        )

    async def _forward(self, bridge: _Bridge, messages: Sequence[Received]) -> None:
        """Returns once the platform's broker has confirmed every message that may pass."""
        topics = template_of(bridge.site)
        heard = [(topics.uid_of(message.topic), message.body) for message in messages]
        fitting = [(uid, body) for uid, body in heard if len(body) <= MAX_BODY_BYTES]
        uids = {uid for uid, _ in fitting if uid is not None}
        speakers = await _patiently(lambda: self._speakers(bridge, uids))
        passing = [(uid, body) for uid, body in fitting if uid in speakers]
        waiting = [Message(DEVICES_EXCHANGE, device_key(uid, "telemetry"), body) for uid, body in passing if uid]
        await _patiently(lambda: self._publish(waiting))
        refused = len(messages) - len(fitting)
        bridge.tally = bridge.tally.plus(Tally(len(passing), len(fitting) - len(passing), refused))

    async def _publish(self, waiting: list[Message]) -> None:
        """Leaves in `waiting` what was not confirmed. Raises BrokerAway then."""
        outcomes = await self._publisher.publish_all(waiting)
        waiting[:] = [message for message, error in zip(waiting, outcomes, strict=True) if error is not None]
        if waiting:
            raise BrokerAway(f"{len(waiting)} messages were not confirmed")

    async def _speakers(self, bridge: _Bridge, uids: set[str]) -> set[str]:
        """Which of these devices the site may speak for, as of a few seconds ago."""
        now = monotonic()
        bridge.speakers = {uid: known for uid, known in bridge.speakers.items() if known[0] > now}
        if unknown := sorted(uids - bridge.speakers.keys()):
            async with self._scopes() as scope:
                may = await scope.get(SiteService).hear(bridge.site, unknown)
            bridge.speakers |= {uid: (now + _SPEAKERS_S, uid in may) for uid in unknown}
        return {uid for uid in uids if bridge.speakers[uid][1]}

    def _say(self, bridge: _Bridge, state: LinkState, error: str | None = None) -> None:
        bridge.state, bridge.error = state, error and error[:300]
        self._news.set()
        _log.info("site link", site=bridge.site.id, state=state, error=error)


async def _ended(bridges: Sequence[_Bridge]) -> None:
    await end(bridge.task for bridge in bridges if bridge.task is not None)


async def _patiently(action: Callable[[], Awaitable[T]]) -> T:
    """Until it succeeds: the messages wait at their site meanwhile."""
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type((ServiceUnavailable, BrokerAway)),
        wait=wait_random_exponential(multiplier=0.2, max=5),
    ):
        with attempt:
            return await action()
    raise AssertionError("attempts never end")
