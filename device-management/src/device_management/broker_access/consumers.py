"""What broker access hears: revoked tokens of devices, and suspended organizations."""

from collections.abc import Sequence

from device_management.broker_access.service import ConnectionCloser
from shared.contracts.access import AccessRevoked, AccessState
from shared.contracts.devices import DeviceState
from shared.contracts.envelope import Envelope
from shared.revocations import Kind


class RevocationConsumer:
    def __init__(self, closer: ConnectionCloser) -> None:
        self._closer = closer

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Closing twice does no harm, so it needs no inbox."""
        people = [AccessState.of(envelope) for envelope in envelopes if envelope.type == AccessRevoked.type]
        devices = [DeviceState.of(envelope) for envelope in envelopes if envelope.type != AccessRevoked.type]
        await self._closer.close([device.device_uid for device in devices])
        if any(state.kind == Kind.ORGANIZATION for state in people):
            await self._closer.close_stale()
