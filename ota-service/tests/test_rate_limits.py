"""ota-service counts requests too: a person who asks too much takes nothing from a device."""

import httpx

from ota_service.app import build


async def test_people_and_devices_have_shares_of_their_own(settings, app, credentials):
    limited = build(settings.model_copy(update={"person_requests_per_second": 0.01, "device_requests_per_second": 1}))
    person = {"Authorization": f"Bearer {credentials.person('devices:read')}"}
    device = {"Authorization": f"Bearer {credentials.device('pump-1')}"}
    transport = httpx.ASGITransport(app=limited, raise_app_exceptions=False)
    async with (
        limited.router.lifespan_context(limited),
        httpx.AsyncClient(transport=transport, base_url="http://muster.test") as client,
    ):
        statuses = [(await client.get("/api/v2/fleet/nothing", headers=person)).status_code for _ in range(3)]
        assert statuses == [404, 429, 429]
        statuses = [(await client.get("/api/v2/device/pump-1/updates", headers=device)).status_code for _ in range(3)]
        assert statuses == [404] * 3
