"""Rate limits: who shares a share with whom, what a burst is, and how much is remembered."""

from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from shared.http.rate_limit import BURST_S, Rate, RateLimit, Rates
from shared.testing import Credentials

GATEWAY_PROXY, PROXY = "198.51.100.7", "198.51.100.8"


@dataclass
class Ticks:
    at: float = 1_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def ticks():
    return Ticks()


def answered(rate, caller, times):
    return sum(rate.take(caller) == 0 for _ in range(times))


class TestRate:
    def test_a_burst_goes_through_and_what_comes_after_it_is_told_how_long_to_wait(self, ticks):
        rate = Rate(2, ticks=ticks)
        assert answered(rate, "a", 100) == 2 * BURST_S
        assert rate.take("a") == pytest.approx(0.5)

    def test_who_waits_as_told_is_let_in_once(self, ticks):
        rate = Rate(2, ticks=ticks)
        answered(rate, "a", 100)
        ticks.at += rate.take("a")
        assert answered(rate, "a", 10) == 1

    def test_asking_in_vain_costs_nothing(self, ticks):
        rate = Rate(2, ticks=ticks)
        answered(rate, "a", 100_000)
        ticks.at += 1
        assert answered(rate, "a", 10) == 2

    def test_a_burst_comes_back_and_does_not_grow(self, ticks):
        rate = Rate(2, ticks=ticks)
        answered(rate, "a", 100)
        ticks.at += 3_600
        assert answered(rate, "a", 100) == 2 * BURST_S

    def test_one_caller_takes_nothing_from_another(self, ticks):
        rate = Rate(2, ticks=ticks)
        answered(rate, "a", 100)
        assert rate.take("b") == 0

    def test_less_than_one_a_burst_is_one_still(self, ticks):
        rate = Rate(0.01, ticks=ticks)
        assert answered(rate, "a", 5) == 1
        assert rate.take("a") == pytest.approx(100)

    def test_zero_is_no_limit(self, ticks):
        rate = Rate(0, ticks=ticks)
        assert answered(rate, "a", 10_000) == 10_000
        assert len(rate) == 0

    def test_no_more_callers_are_remembered_than_may_be_and_the_quietest_are_forgotten(self, ticks):
        rate = Rate(1, most_callers=3, ticks=ticks)
        for caller in ("a", "b", "c", "a", "d"):
            answered(rate, caller, BURST_S)
        assert len(rate) == 3
        assert rate.take("a") > 0
        assert rate.take("b") == 0

    @given(st.lists(st.floats(0, 5), max_size=200), st.sampled_from([0.5, 3.0, 7.0]))
    def test_whatever_the_rhythm_nobody_gets_more_than_the_burst_and_the_rate(self, pauses, per_second):
        ticks = Ticks()
        rate, let_in = Rate(per_second, ticks=ticks), 0
        for pause in pauses:
            ticks.at += pause
            let_in += rate.take("a") == 0
        assert let_in <= max(1, per_second * BURST_S) + (ticks.at - 1_000.0) * per_second + 1e-6


@pytest.fixture(scope="module")
def credentials(tmp_path_factory):
    return Credentials(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def app(credentials, ticks):
    """One request for each caller, two for each address; the clock stands."""
    app = FastAPI()
    app.state.keys = credentials.keys

    def one() -> Rate:
        return Rate(1 / BURST_S, ticks=ticks)

    rates = Rates(people=one(), devices=one(), gateways=one(), addresses=Rate(2 / BURST_S, ticks=ticks))
    app.add_middleware(RateLimit, rates=rates, by_path={"/login": one()}, unlimited=("/broker/",))

    @app.api_route("/{_path:path}", methods=["GET", "POST"])
    async def anything() -> None: ...

    return app


@pytest.fixture
def get(app):
    async def get(path="/", *, token="", scheme="Bearer", address="203.0.113.1", **headers):
        transport = httpx.ASGITransport(
            app=ProxyHeadersMiddleware(app, f"{PROXY}, {GATEWAY_PROXY}"), client=(address, 1_234)
        )
        if token:
            headers["Authorization"] = f"{scheme} {token}"
        async with httpx.AsyncClient(transport=transport, base_url="http://muster.test") as client:
            return await client.get(path, headers=headers)

    return get


async def test_a_refusal_is_a_problem_document_that_tells_how_long_to_wait(get, credentials):
    token = credentials.person("devices:read")
    assert (await get(token=token)).status_code == 200
    answer = await get(token=token)
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (
        429,
        "too_many_requests",
        "10",
    )
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_after_the_wait_the_caller_is_let_in_again(get, credentials, ticks):
    token = credentials.person()
    await get(token=token)
    ticks.at += int((await get(token=token)).headers["Retry-After"])
    assert (await get(token=token)).status_code == 200


async def test_a_person_has_one_share_for_all_sign_ins_and_addresses(get, credentials):
    assert (await get(token=credentials.person(user="7", session="a"))).status_code == 200
    again = await get(token=credentials.person(user="7", session="b"), address="203.0.113.2")
    assert again.status_code == 429


async def test_every_bearer_has_a_share_of_its_own(get, credentials):
    tokens = [
        credentials.person(user="7", session="a"),
        credentials.person(user="7", session="a", organization_id=2),
        credentials.person(user="7"),  # an API key of this person
        credentials.person(user="7"),  # and another one
        credentials.device("pump-1"),
        credentials.device("pump-2"),
        credentials.gateway(),
    ]
    assert [(await get(token=token)).status_code for token in tokens] == [200] * len(tokens)
    assert [(await get(token=token)).status_code for token in tokens] == [429] * len(tokens)


async def test_devices_are_known_by_their_tokens_whatever_the_scheme(get, credentials):
    assert (await get(token=credentials.device("pump-1"), scheme="TargetToken")).status_code == 200
    assert (await get(token=credentials.device("pump-1"))).status_code == 429


async def test_nobody_uses_up_the_share_of_another_by_a_token_that_is_not_theirs(get, credentials):
    token = credentials.person(user="7", session="a")
    forged = token[:-8] + "AAAAAAAA"
    assert [(await get(token=forged)).status_code for _ in range(3)] == [200, 200, 429]
    assert (await get(token=token)).status_code == 200


async def test_changing_forged_tokens_are_one_address(get):
    assert [(await get(token=f"a.b.{number}")).status_code for number in range(3)] == [200, 200, 429]
    assert (await get(address="203.0.113.2")).status_code == 200


async def test_a_client_cannot_choose_its_address(get):
    statuses = [(await get(**{"X-Forwarded-For": f"192.0.2.{number}"})).status_code for number in range(3)]
    assert statuses == [200, 200, 429]


async def test_behind_a_trusted_proxy_the_client_counts_and_not_the_proxy(get):
    statuses = [
        (await get(address=PROXY, **{"X-Forwarded-For": f"192.0.2.{number}"})).status_code for number in range(3)
    ]
    assert statuses == [200] * 3


async def test_what_a_client_writes_before_the_address_a_proxy_appends_is_not_believed(get):
    statuses = [
        (await get(address=PROXY, **{"X-Forwarded-For": f"192.0.2.{number}, 203.0.113.9, {GATEWAY_PROXY}"})).status_code
        for number in range(3)
    ]
    assert statuses == [200, 200, 429]


async def test_an_ipv6_client_is_its_network_and_a_mapped_one_is_itself(get):
    assert [(await get(address=f"2001:db8::{number}")).status_code for number in range(3)] == [200, 200, 429]
    assert (await get(address="2001:db8:0:1::1")).status_code == 200
    assert [(await get(address=f"::ffff:203.0.113.{number}")).status_code for number in (3, 4, 5)] == [200] * 3


async def test_a_path_with_a_rate_of_its_own_is_counted_by_address_whoever_calls(get, credentials):
    assert (await get("/login")).status_code == 200
    assert (await get("/login", token=credentials.person())).status_code == 429
    assert (await get("/login", address="203.0.113.2")).status_code == 200
    assert (await get("/")).status_code == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/health", "/metrics", "/broker/topic"])
async def test_health_metrics_and_the_broker_are_not_counted(get, path):
    assert [(await get(path)).status_code for _ in range(5)] == [200] * 5
