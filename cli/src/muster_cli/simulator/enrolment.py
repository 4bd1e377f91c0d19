"""Makes sure that every simulated device is registered and has a token, over REST, as an installer of devices would."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from muster_cli.client import MusterClient
from muster_cli.client.devices import Device
from muster_cli.errors import Refused, Unreachable
from muster_cli.simulator.population import SimulatedDevice
from muster_cli.simulator.tally import Tally
from muster_cli.simulator.tokens import TokenFile
from muster_cli.updater.offers import PublicKey
from shared.cancellation import end

T = TypeVar("T")


class Enrolled(NamedTuple):
    """A device's token, and which registration of its uid it is."""

    token: str
    registered_at: datetime


_AT_ONCE = 16
_PATIENCE_S = 30


class Enrolment:
    def __init__(self, client: MusterClient, tokens: TokenFile, tally: Tally) -> None:
        self._client = client
        self._tokens = tokens
        self._tally = tally

    async def enrol(self, devices: Sequence[SimulatedDevice]) -> dict[str, Enrolled]:
        """The token of each device, by uid. At most 16 requests are under way; tokens are kept even when it fails.

        Raises Refused, or Unreachable when the platform stays away for half a minute.
        """
        waiting = iter(devices)
        enrolled: dict[str, Enrolled] = {}

        async def work() -> None:
            for device in waiting:
                enrolled[device.uid] = await self._enrol(device)

        workers = [asyncio.create_task(work()) for _ in range(min(_AT_ONCE, len(devices)))]
        try:
            await asyncio.gather(*workers)
        finally:
            await end(workers)
            self._tokens.save()
        return enrolled

    async def manifest_keys(self) -> list[PublicKey]:
        """The keys whose manifests the devices will take. Raises as `enrol` does."""
        return await _patiently(self._client.manifest_keys)

    async def _enrol(self, simulated: SimulatedDevice) -> Enrolled:
        device = await self._find_or_register(simulated)
        token = self._tokens.token_for(device)
        if token is not None:
            self._tally.tokens_reused += 1
            return Enrolled(token, device.registered_at)
        issued = await _patiently(lambda: self._client.issue_token(device.device_uid))
        self._tokens.keep(device, issued)
        self._tally.tokens_issued += 1
        return Enrolled(issued.token, device.registered_at)

    async def _find_or_register(self, simulated: SimulatedDevice) -> Device:
        """Looks first for a device that an earlier run knew, and registers first any other: mostly one request."""
        device = await self._find(simulated.uid) if self._tokens.known(simulated.uid) else None
        if device is None:
            try:
                device = await _patiently(lambda: self._client.register(simulated.described()))
            except Refused as error:
                if error.code != "device_uid_taken":
                    raise
                device = await self._find(simulated.uid)
                if device is None:
                    raise Refused(
                        error.status,
                        error.code,
                        f"{simulated.uid} belongs to another organization",
                        "choose another --prefix",
                    ) from None
            else:
                self._tally.registered += 1
                return device
        self._tally.found += 1
        return device

    async def _find(self, uid: str) -> Device | None:
        try:
            return await _patiently(lambda: self._client.device(uid))
        except Refused as error:
            if error.code == "device_not_found":
                return None
            raise


async def _patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Repeats a call that is safe to repeat while the platform is not ready."""

    async def attempt() -> T:
        # tenacity awaits coroutine functions alone, not what merely returns an awaitable
        return await call()

    retrying = AsyncRetrying(
        retry=retry_if_exception_type(Unreachable),
        wait=wait_random_exponential(multiplier=0.2, max=3),
        stop=stop_after_delay(_PATIENCE_S),
        reraise=True,
    )
    return await retrying(attempt)
