"""What the copy hears: every event that carries an organization's state."""

from collections.abc import Sequence

from monitoring.organizations.service import OrganizationService
from shared.contracts.envelope import Envelope
from shared.contracts.organizations import OrganizationState


class OrganizationConsumer:
    def __init__(self, organizations: OrganizationService) -> None:
        self._organizations = organizations

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Idempotent by the versions, so it needs no inbox."""
        await self._organizations.follow([OrganizationState.of(envelope) for envelope in envelopes])
