"""device-management's own rate limits: signing in, and the broker's questions, which have none."""

import httpx
import pytest

from device_management.app import build


@pytest.fixture
async def limited(settings, app):
    """A client of an api where every caller has one request."""
    once = dict.fromkeys(("person_requests_per_second", "address_requests_per_second", "sign_ins_per_second"), 0.01)
    limited = build(settings.model_copy(update=once))
    async with limited.router.lifespan_context(limited):
        transport = httpx.ASGITransport(app=limited, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://muster.test") as client:
            yield client


async def test_a_person_who_asks_too_much_is_refused_and_others_are_not(limited, credentials):
    greedy, other = (
        {"Authorization": f"Bearer {credentials.person('devices:read', user=user)}"} for user in ("1", "2")
    )
    assert (await limited.get("/api/v2/devices", headers=greedy)).status_code == 200
    answer = await limited.get("/api/v2/devices", headers=greedy)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["X-Request-Id"]
    assert (await limited.get("/api/v2/devices", headers=other)).status_code == 200


async def test_signing_in_has_a_rate_of_its_own_by_either_path_beside_the_wait_after_failures(limited):
    form = {"username": "nobody@muster.example", "password": "a wrong password"}
    assert (await limited.post("/api/v2/auth/login", data=form)).status_code == 401
    answer = await limited.post("/api/auth/login", data=form)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert (await limited.get("/api/v2/auth/me")).status_code == 401


async def test_the_broker_may_ask_about_any_number_of_devices(limited):
    question = {"username": "pump-1", "password": "none"}
    answers = [await limited.post("/broker/user", data=question) for _ in range(3)]
    assert [(answer.status_code, answer.text) for answer in answers] == [(200, "deny")] * 3


async def test_every_operation_tells_of_it(anyone):
    paths = (await anyone.get("/openapi.json")).json()["paths"]
    responses = [operation["responses"] for path in paths.values() for operation in path.values()]
    assert all("Retry-After" in response["429"]["headers"] for response in responses)
