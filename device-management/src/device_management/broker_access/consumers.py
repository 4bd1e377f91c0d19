"""What broker access hears: revoked tokens."""

from collections.abc import Sequence

from device_management.broker_access.service import ConnectionCloser
from shared.contracts.devices import DeviceState
from shared.contracts.envelope import Envelope


class RevocationConsumer:
    def __init__(self, closer: ConnectionCloser) -> None:
        self._closer = closer

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Closing twice does no harm, so it needs no inbox."""
        await self._closer.close([DeviceState.of(envelope).device_uid for envelope in envelopes])
