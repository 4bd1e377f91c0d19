"""What the copy hears: every event that carries an organization's state."""

from collections.abc import Sequence

from ota_service.tenants.service import TenantService
from shared.contracts.envelope import Envelope
from shared.contracts.organizations import OrganizationState
from shared.http.scope import Scopes


class TenantConsumer:
    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Idempotent by the versions, so it needs no inbox."""
        states = [OrganizationState.of(envelope) for envelope in envelopes]
        async with self._scopes() as scope:
            await scope.get(TenantService).follow(states)
