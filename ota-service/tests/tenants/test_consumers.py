"""The organizations of the copy: whatever the order and the repetition, each ends at its newest version."""

from datetime import UTC, datetime
from uuid import uuid4

from ota_service.tenants.consumers import TenantConsumer
from shared.contracts.envelope import Envelope
from shared.contracts.organizations import OrganizationChanged, OrganizationCreated, OrganizationSuspended

AT = datetime(2026, 11, 21, tzinfo=UTC)


def news(kind, version, *, organization_id=1, state="active"):
    data = kind(
        organization_id=organization_id,
        version=version,
        slug=f"org-{organization_id}",
        name="ours",
        state=state,
        settings={"as of": version},
        created_at=AT,
        updated_at=AT,
    )
    return Envelope(
        id=uuid4(),
        source="/device-management",
        type=kind.type,
        subject=data.subject(),
        time=AT,
        organizationid=organization_id,
        data=data.model_dump(mode="json"),
    )


async def test_an_organization_is_known_as_of_its_newest_version(app, sql):
    hear = TenantConsumer(app.state.scopes)
    await hear([news(OrganizationChanged, 3), news(OrganizationCreated, 1), news(OrganizationCreated, 1)])
    await hear([news(OrganizationChanged, 2), news(OrganizationSuspended, 2, organization_id=2, state="suspended")])
    await hear([news(OrganizationCreated, 1, organization_id=2)])
    rows = await sql.fetch("select slug, state, version from tenants order by organization_id")
    assert [tuple(row) for row in rows] == [("org-1", "active", 3), ("org-2", "suspended", 2)]
