"""What releases hear: organizations that are told again."""

from collections.abc import Sequence

from ota_service.releases.service import ReleaseService
from shared.contracts.envelope import Envelope
from shared.http.scope import Scopes


class OrganizationResyncConsumer:
    """Who hears of an organization again, for the sake of copies that lost it, tells what goes on in it again."""

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Needs no inbox: what is told twice is no newer."""
        for organization_id in {envelope.organizationid for envelope in envelopes}:
            async with self._scopes() as scope:
                await scope.get(ReleaseService).tell_again(organization_id)
