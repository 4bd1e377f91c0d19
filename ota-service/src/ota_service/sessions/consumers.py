"""What update sessions hear: devices that come and go, and devices that are told again."""

from collections.abc import Sequence

from ota_service.sessions.service import SessionService
from shared.contracts.devices import DeviceState
from shared.contracts.envelope import Envelope
from shared.contracts.presence import PresenceState
from shared.http.scope import Scopes


class PresenceConsumer:
    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Needs no inbox: presence has versions, and an announcement may be repeated."""
        news = [PresenceState.of(envelope) for envelope in envelopes]
        async with self._scopes() as scope:
            await scope.get(SessionService).follow(news)


class ResyncConsumer:
    """Who hears of a device again, for the sake of copies that lost it, tells what belongs to it again."""

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Needs no inbox: what is told twice is no newer."""
        uids = {DeviceState.of(envelope).device_uid for envelope in envelopes}
        async with self._scopes() as scope:
            await scope.get(SessionService).tell_again(uids)
