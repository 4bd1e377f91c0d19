"""Makes sure that every simulated device is registered and has a token, over REST, as an installer of devices would."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from itertools import takewhile
from typing import NamedTuple, TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from muster_cli.client import MusterClient
from muster_cli.client.devices import Device, RegisteredBatch
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
_IN_ONE_REQUEST = 500
_TAKEN = "device_uid_taken"
_PATIENCE_S = 30


class Enrolment:
    def __init__(self, client: MusterClient, tokens: TokenFile, tally: Tally) -> None:
        self._client = client
        self._tokens = tokens
        self._tally = tally

    async def enrol(self, devices: Sequence[SimulatedDevice]) -> dict[str, Enrolled]:
        """The token of each device, by uid; tokens are kept even when it fails.

        Devices are found, and registered, many in a request; tokens are issued by at most 16 at a time. Raises Refused,
        or Unreachable when the platform stays away for half a minute.
        """
        registered = await self._registered(devices)
        waiting = iter(devices)
        enrolled: dict[str, Enrolled] = {}

        async def work() -> None:
            for device in waiting:
                enrolled[device.uid] = await self._with_token(registered[device.uid])

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

    async def _with_token(self, device: Device) -> Enrolled:
        token = self._tokens.token_for(device)
        if token is not None:
            self._tally.tokens_reused += 1
            return Enrolled(token, device.registered_at)
        issued = await _patiently(lambda: self._client.issue_token(device.device_uid))
        self._tokens.keep(device, issued)
        self._tally.tokens_issued += 1
        return Enrolled(issued.token, device.registered_at)

    async def _registered(self, devices: Sequence[SimulatedDevice]) -> dict[str, Device]:
        """All of them by uid. An earlier run's are looked for first, others when they turn out to be there."""
        uids = {one.uid for one in devices}
        there = await self._find(uids) if any(self._tokens.known(uid) for uid in uids) else {}
        new, taken = await self._register([one for one in devices if one.uid not in there])
        if taken:
            there |= await self._find(taken)
        if strange := taken - there.keys():
            raise Refused(409, _TAKEN, f"{min(strange)} belongs to another organization", "choose another --prefix")
        self._tally.found += len(there)
        return there | new

    async def _find(self, uids: Collection[str]) -> dict[str, Device]:
        """Those that the organization has."""
        alike = takewhile(lambda pair: pair[0] == pair[1], zip(min(uids), max(uids), strict=False))
        rql = f'like(device_uid,"{"".join(letter for letter, _ in alike)}*")'

        async def found() -> dict[str, Device]:
            devices = self._client.devices(rql=rql)
            return {device.device_uid: device async for device in devices if device.device_uid in uids}

        return await _patiently(found)

    async def _register(self, devices: Sequence[SimulatedDevice]) -> tuple[dict[str, Device], set[str]]:
        """The new ones by uid, and the uids that are taken."""
        new: dict[str, Device] = {}
        taken: set[str] = set()
        organization_id = (await _patiently(self._client.me)).organization.id if devices else 0
        for start in range(0, len(devices), _IN_ONE_REQUEST):
            answer = await self._register_batch(organization_id, devices[start : start + _IN_ONE_REQUEST])
            new |= {one.device.device_uid: one.device for one in answer.successful}
            self._tally.registered += len(answer.successful)
            for refused in answer.failed:
                if refused.code != _TAKEN:
                    raise Refused(409, refused.code, f"{refused.device['device_uid']}: {refused.error}")
                taken.add(refused.device["device_uid"])
        return new, taken

    async def _register_batch(self, organization_id: int, devices: Sequence[SimulatedDevice]) -> RegisteredBatch:
        described = [one.described() for one in devices]
        return await _patiently(lambda: self._client.register_batch(organization_id, described))


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
