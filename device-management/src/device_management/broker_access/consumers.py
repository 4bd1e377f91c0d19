"""What broker access hears: revoked tokens of devices and gateways, devices that end, and suspended organizations."""

from collections.abc import Sequence

from device_management.broker_access.rules import gateway_user
from device_management.broker_access.service import ConnectionCloser
from device_management.devices.states import ENDED
from shared.contracts.access import AccessRevoked, AccessState
from shared.contracts.devices import DeviceState
from shared.contracts.envelope import Envelope
from shared.revocations import Kind


class RevocationConsumer:
    def __init__(self, closer: ConnectionCloser) -> None:
        self._closer = closer

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Closing twice does no harm, so it needs no inbox."""
        refused = [AccessState.of(envelope) for envelope in envelopes if envelope.type == AccessRevoked.type]
        devices = [DeviceState.of(envelope) for envelope in envelopes if envelope.type != AccessRevoked.type]
        gateways = [gateway_user(state.subject_id) for state in refused if state.kind == Kind.TOKEN]
        await self._closer.close([*(device.device_uid for device in devices), *gateways])
        if ended := {device.organization_id for device in devices if device.lifecycle in ENDED}:
            await self._closer.close_gateways_of(ended)
        if any(state.kind == Kind.ORGANIZATION for state in refused):
            await self._closer.close_stale()
