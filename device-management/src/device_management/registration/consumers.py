"""What registration hears: gateways that speak for devices which nobody has registered."""

from collections.abc import Sequence

from device_management.registration.service import RegistrationService
from shared.contracts.device_requests import DeviceRegistrationRequested
from shared.contracts.envelope import Envelope
from shared.http.scope import Scopes


class RegistrationConsumer:
    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Needs no inbox: a device is registered once. One unit an organization: a limit holds up its own alone."""
        requests = [DeviceRegistrationRequested.of(envelope) for envelope in envelopes]
        for organization_id in sorted({request.organization_id for request in requests}):
            async with self._scopes() as scope:
                await scope.get(RegistrationService).register_requested(
                    organization_id, [request for request in requests if request.organization_id == organization_id]
                )
