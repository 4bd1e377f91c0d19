"""monitoring counts requests too, in the application below the live streams."""

import pytest


@pytest.fixture
def changed():
    return {"person_requests_per_second": 0.01}


async def test_a_person_who_asks_too_much_is_refused(anyone, credentials):
    headers = {"Authorization": f"Bearer {credentials.person('devices:read')}"}
    statuses = [(await anyone.get("/api/v2/presence", headers=headers)).status_code for _ in range(3)]
    assert statuses == [200, 429, 429]
