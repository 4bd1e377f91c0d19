"""What device_status hears: presence from monitoring, and from ota-service what updates have put on devices."""

from collections.abc import Sequence

from device_management.device_status.service import DeviceStatusService
from shared.contracts.device_requests import DeviceAttributesReported
from shared.contracts.envelope import Envelope
from shared.contracts.presence import PresenceState
from shared.contracts.updates import UpdateSessionCompleted, UpdateSessionFlashed, UpdateSessionState
from shared.http.scope import Scopes

_INSTALLED = frozenset({UpdateSessionFlashed.type, UpdateSessionCompleted.type})


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
        installed: list[UpdateSessionState] = []
        ended: list[UpdateSessionState] = []
        for envelope in envelopes:
            (installed if envelope.type in _INSTALLED else ended).append(UpdateSessionState.of(envelope))
        async with self._scopes() as scope:
            await scope.get(DeviceStatusService).take_updates(installed, ended)


class AttributeConsumer:
    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Idempotent by the versions, so it needs no inbox."""
        news = [DeviceAttributesReported.of(envelope) for envelope in envelopes]
        async with self._scopes() as scope:
            await scope.get(DeviceStatusService).take_attributes(news)
