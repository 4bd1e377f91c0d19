"""Every route under schemathesis, as `shared.testing.attack` tells it."""

import pytest

from device_management.app import build
from shared.testing.attack import served
from shared.testing.databases import empty

ADMINISTRATOR = ("organization:admin", "devices:read", "devices:write", "updates:write")

pytestmark = pytest.mark.attack


@pytest.mark.parametrize(
    "scopes", [("platform:admin", *ADMINISTRATOR), ADMINISTRATOR], ids=["platform", "organization"]
)
async def test_no_request_of_a_person_gets_an_answer_that_is_not_documented(attack, settings, sql, credentials, scopes):
    await empty(sql)
    own = await sql.fetchval("insert into organizations (slug, name) values ('own', 'own') returning id")
    async with served(build(settings)) as address:
        await attack.on(address, token=credentials.person(*scopes, organization_id=own))
