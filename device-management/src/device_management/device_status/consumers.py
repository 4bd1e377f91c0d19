"""What device_status hears: presence from monitoring, and what updates have installed from ota-service."""

from collections.abc import Sequence

from device_management.device_status.service import DeviceStatusService
from shared.contracts.envelope import Envelope
from shared.contracts.presence import PresenceState
from shared.contracts.updates import UpdateSessionState
from shared.http.scope import Scopes


class PresenceConsumer:
    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Idempotent by the versions, so it needs no inbox."""
        news = [PresenceState.of(envelope) for envelope in envelopes]
        async with self._scopes() as scope:
            await scope.get(DeviceStatusService).take_presence(news)


class UpdateConsumer:
    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Idempotent by the sessions' counter, so it needs no inbox."""
        news = [UpdateSessionState.of(envelope) for envelope in envelopes]
        async with self._scopes() as scope:
            await scope.get(DeviceStatusService).take_firmware(news)
