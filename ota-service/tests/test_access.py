"""A token revoked by device-management's event is refused here."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from ota_service.bootstrap import open_core
from shared.contracts.access import AccessRestored, AccessRevoked
from shared.contracts.envelope import Envelope
from shared.revocations import AccessConsumer
from shared.testing import eventually


@pytest.fixture
async def hear(settings, app):
    async with open_core(settings) as core:
        consumer = AccessConsumer(core.refused.put)

        async def hear(kind, version, until=None, *, refused=True):
            state = kind(
                organization_id=1, version=version, kind="organization", subject_id="1", refused=refused, until=until
            )
            await consumer(
                [
                    Envelope(
                        id=uuid4(),
                        source="/device-management",
                        type=state.type,
                        subject=state.subject(),
                        time=datetime.now(UTC),
                        organizationid=1,
                        data=state.model_dump(mode="json"),
                    )
                ]
            )

        yield hear


async def test_a_suspended_organization_is_refused_soon_and_let_in_again(client, hear):
    async def answers(status):
        return (await client.get("/api/v2/fleet/nothing")).status_code == status

    assert await answers(404)
    await hear(AccessRevoked, 2)
    await eventually(lambda: answers(401))
    await hear(AccessRestored, 3, refused=False)
    await hear(AccessRevoked, 2)
    await eventually(lambda: answers(404))


async def test_what_can_refuse_no_token_any_more_is_forgotten(hear, sql):
    await hear(AccessRevoked, 2, datetime.now(UTC) - timedelta(hours=2))
    assert await sql.fetchval("select count(*) from revocations") == 0
