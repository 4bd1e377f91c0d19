"""What actions' slice hears: the devices' replies, and news about the devices themselves."""

from collections.abc import Sequence

from device_management.actions.service import ActionService
from shared.contracts.commands import DeviceReply, decode_reply
from shared.contracts.devices import DeviceState
from shared.contracts.envelope import Envelope
from shared.contracts.presence import DeviceConnected, PresenceState
from shared.contracts.routes import uid_from_key
from shared.http.scope import Scopes
from shared.messaging.deliveries import Delivery, Rejected


class ReplyConsumer:
    """Takes a batch of replies in one transaction. The device is the routing key's, never the body's."""

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

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
            async with self._scopes() as scope:
                await scope.get(ActionService).hear(replies)
        return rejected


class DeviceNewsConsumer:
    """Devices that connected, and those that are retired or purged."""

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Harmless when done again, so it needs no inbox."""
        connected = [PresenceState.of(news).device_uid for news in envelopes if news.type == DeviceConnected.type]
        gone = [DeviceState.of(news).device_id for news in envelopes if news.type != DeviceConnected.type]
        async with self._scopes() as scope:
            actions = scope.get(ActionService)
            await actions.remind(connected)
            await actions.forget_devices(gone)
