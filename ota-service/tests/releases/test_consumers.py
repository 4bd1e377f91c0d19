"""An organization that is told again is told with what goes on in it."""

import json
from datetime import UTC, datetime
from uuid import uuid4

from ota_service.releases.consumers import OrganizationResyncConsumer
from shared.contracts.envelope import Envelope


def told_again(organization_id: int) -> Envelope:
    return Envelope(
        id=uuid4(),
        source="/device-management",
        type="organization.snapshot.v1",
        subject=f"organization/{organization_id}",
        time=datetime(2026, 11, 21, tzinfo=UTC),
        organizationid=organization_id,
        data={},
    )


async def test_releases_and_batches_that_go_on_are_told_again_to_their_organization_alone(
    app, draw_up, person, firmware, sql
):
    release = await draw_up()
    batch = {"name": "spring", "firmware_id": firmware, "device_ids": ["pump-01"]}
    created = (await person.post("/api/v2/updates/batches", json=batch)).json()
    consume = OrganizationResyncConsumer(app.state.scopes)
    await consume([told_again(2)])
    query = "select type, payload from outbox where type like '%.snapshot.v1' order by id"
    assert await sql.fetch(query) == []
    await consume([told_again(1), told_again(1)])
    told = [(row["type"], json.loads(row["payload"])["data"]) for row in await sql.fetch(query)]
    assert [kind for kind, _ in told] == ["release.snapshot.v1", "batch.snapshot.v1"]
    assert (told[0][1]["slug"], told[0][1]["version"]) == (release["slug"], 1)
    assert len(told[0][1]["waves"]) == 2
    assert told[1][1]["batch_id"] == created["id"]
