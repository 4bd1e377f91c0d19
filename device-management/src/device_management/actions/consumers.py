"""What actions' slice hears: the devices' replies, and news about devices and updates."""

from collections.abc import Sequence

from device_management.actions.service import ActionService
from shared.contracts import catalog
from shared.contracts.commands import DeviceReply, decode_reply
from shared.contracts.devices import DeviceState
from shared.contracts.envelope import Envelope
from shared.contracts.presence import DeviceConnected, PresenceState
from shared.contracts.routes import uid_from_key
from shared.contracts.updates import UpdateRefused, UpdateSessionState
from shared.http.scope import Scopes
from shared.messaging.deliveries import Delivery, Rejected
from shared.precedence import Precedence

_SESSIONS = frozenset(event.type for event in catalog.EVENTS if issubclass(event, UpdateSessionState))


class ReplyConsumer:
    """Takes a batch of replies in one transaction. The device is the routing key's, never the body's."""

    def __init__(self, scopes: Scopes, precedence: Precedence) -> None:
        self._scopes = scopes
        self._precedence = precedence

    async def __call__(self, deliveries: Sequence[Delivery]) -> list[Rejected]:
        """Harmless when done again. What cannot be read is rejected."""
        replies: list[tuple[str, DeviceReply]] = []
        rejected: list[Rejected] = []
        for index, delivery in enumerate(deliveries):
            uid = uid_from_key(delivery.routing_key)
            try:
                reply = decode_reply(delivery.body)
            except ValueError as error:
                rejected.append(Rejected(index, str(error)))
                continue
            if uid is None:
                rejected.append(Rejected(index, "not a device's routing key"))
            else:
                replies.append((uid, reply))
        if replies:
            await self._precedence.give_way()
            async with self._scopes() as scope:
                await scope.get(ActionService).hear(replies)
        return rejected


class NewsConsumer:
    """Devices that connected, those that are retired or purged, and the sessions that carry out updates."""

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Harmless when done again, so it needs no inbox."""
        connected: list[str] = []
        gone: list[int] = []
        updates: list[UpdateSessionState | UpdateRefused] = []
        for news in envelopes:
            if news.type == DeviceConnected.type:
                connected.append(PresenceState.of(news).device_uid)
            elif news.type == UpdateRefused.type:
                updates.append(UpdateRefused.of(news))
            elif news.type in _SESSIONS:
                updates.append(UpdateSessionState.of(news))
            else:
                gone.append(DeviceState.of(news).device_id)
        async with self._scopes() as scope:
            actions = scope.get(ActionService)
            if connected:
                await actions.remind(connected)
            if gone:
                await actions.forget_devices(gone)
            if updates:
                await actions.follow_updates(updates)
