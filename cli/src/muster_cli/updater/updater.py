"""The steps of an update on a device, one update at a time, from whichever step an earlier life had reached."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from functools import partial
from typing import Protocol

from muster_cli.updater.client import UpdateClient
from muster_cli.updater.download import Download
from muster_cli.updater.errors import SessionOver, UpdateFailed
from muster_cli.updater.memory import Image, Memory
from muster_cli.updater.offers import Manifest, Offer, Trust, accept, verified

_MAX_ERROR_LENGTH = 500
_REPORT_EVERY_S = 1.0
_HELD = "held"
_INITIATED = "initiated"
_CANCELLING = "cancelling"
_FLASHED = "flashed"


class Outcome(StrEnum):
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"


class Machine(Protocol):
    """The device that is updated."""

    @property
    def memory(self) -> Memory: ...

    def remember(self, memory: Memory) -> None:
        """Survives a power cut once this returns."""
        ...

    async def write(self, image: Image) -> None:
        """Writes a checked image beside the one that runs. Raises UpdateFailed."""
        ...

    async def reboot(self) -> None:
        """Starts what is staged; returns when the device is back on the platform with it."""
        ...


Ended = Callable[[Outcome, str | None], None]


class Updater:
    """`ended` is told how each update ended, with the code of a failure."""

    def __init__(self, client: UpdateClient, trust: Trust, machine: Machine, *, ended: Ended) -> None:
        self._client = client
        self._trust = trust
        self._machine = machine
        self._ended = ended
        self._cancelled: str | None = None
        self._completed: str | None = None
        """It may be offered once more, while it soaks."""
        self._reported_at = 0.0

    def cancel(self, session_id: str) -> None:
        """Stops that session's update before its image is staged; afterwards the platform's answer decides."""
        self._cancelled = session_id

    async def run(self) -> None:
        """Carries out what is offered until nothing new is. Raises PlatformError."""
        before: tuple[str, str] | None = None
        while (offer := await self._client.next_offer()) is not None:
            if (offer.session_id, offer.state) == before:
                return
            before = offer.session_id, offer.state
            try:
                await self._carry_out(offer)
            except SessionOver:
                self._ended(Outcome.STOPPED, None)

    async def _carry_out(self, offer: Offer) -> None:
        """To its end, whichever. Raises SessionOver, and PlatformError without having ended it.

        One that is held waits for somebody else's consent.
        """
        if offer.state == _HELD:
            return
        try:
            manifest = verified(offer, self._trust)
        except UpdateFailed as failure:
            await self._fail(offer, failure)
            return
        try:
            await self._install(offer, manifest)
            await self._client.report(offer.session_id, "complete")
            if offer.session_id != self._completed:
                self._ended(Outcome.COMPLETED, None)
            self._completed = offer.session_id
        except UpdateFailed as failure:
            await self._fail(offer, failure)
            self._use_up(manifest)
        except SessionOver:
            self._use_up(manifest)
            await self._stop(offer)
            raise

    async def _stop(self, offer: Offer) -> None:
        """Says that nothing of it goes on here, which a platform that has ended it by itself does not need to hear."""
        with suppress(SessionOver):
            await self._client.report(offer.session_id, "cancelled")

    async def _install(self, offer: Offer, manifest: Manifest) -> None:
        """Until the image runs and the platform knows it, from the step that the device had reached before."""
        machine, session = self._machine, manifest.session
        if offer.state == _CANCELLING:
            if not machine.memory.runs(session) and not machine.memory.has_staged(session):
                raise SessionOver("the update was cancelled")
            await self._client.report(session, "refuse-cancel")
        if machine.memory.runs(session):
            if offer.state == _CANCELLING:
                await self._client.report(session, "flashed")
            return
        if not machine.memory.has_staged(session):
            if offer.state == _FLASHED:
                raise UpdateFailed("image_lost", "the device came back without the image that it had written")
            accept(manifest, self._trust, machine.memory, now=time.time())
            image = await self._fetch(offer, manifest)
            await machine.write(image)
            self._heed(session)
            machine.remember(machine.memory.with_staged(image))
        await self._client.report(session, "flashed")
        machine.remember(machine.memory.booted(manifest.counter))
        await machine.reboot()

    async def _fetch(self, offer: Offer, manifest: Manifest) -> Image:
        session = manifest.session
        try:
            async with asyncio.timeout(manifest.expires_at - time.time()):
                if offer.state == _INITIATED:
                    await self._client.report(session, "ack")
                async with self._client.turns.download:
                    await self._client.report(session, "downloading", progress=0)
                    self._reported_at = time.monotonic()
                    await self._load(offer, manifest)
        except TimeoutError:
            raise UpdateFailed("expired", "the manifest expired before the image had arrived") from None
        return Image(
            session=session,
            name=manifest.name,
            version=manifest.version,
            release_counter=manifest.release_counter,
            parts={part.name: part.release_counter for part in manifest.in_order()[1:]},
        )

    async def _load(self, offer: Offer, manifest: Manifest) -> None:
        """All parts, in the order of the manifest."""
        before = 0
        for path, part in zip(offer.paths(), manifest.in_order(), strict=True):
            arrived = partial(self._arrived, manifest, before)
            await Download(self._client, path, part, arrived=arrived).run()
            before += part.size

    async def _arrived(self, manifest: Manifest, before: int, received: int) -> None:
        """`received` bytes of a part, `before` of those that came earlier."""
        self._heed(manifest.session)
        now, total = time.monotonic(), sum(part.size for part in manifest.in_order())
        if now - self._reported_at >= _REPORT_EVERY_S and before + received < total:
            self._reported_at = now
            percent = (before + received) * 100 // total
            await self._client.report_once(manifest.session, "downloading", progress=percent)

    async def _fail(self, offer: Offer, failure: UpdateFailed) -> None:
        await self._client.report(offer.session_id, "fail", error=str(failure)[:_MAX_ERROR_LENGTH])
        self._ended(Outcome.FAILED, failure.code)

    def _use_up(self, manifest: Manifest) -> None:
        self._machine.remember(self._machine.memory.used_up(manifest.counter))

    def _heed(self, session: str) -> None:
        if self._cancelled == session:
            raise SessionOver("the update was cancelled")
