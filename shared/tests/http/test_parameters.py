"""What a query parameter that nobody knows is answered with."""

from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI, Query

from shared.http import health, problem
from shared.http.parameters import only_known_parameters


def _page(limit: int = 50) -> int:
    return limit


@pytest.fixture
def client():
    app = FastAPI(dependencies=[Depends(only_known_parameters)])
    problem.install(app)
    health.install(app, "test")

    @app.get("/things")
    async def things(
        device_uid: Annotated[list[str] | None, Query()] = None,
        start: Annotated[str | None, Query(alias="from")] = None,
        limit: Annotated[int, Depends(_page)] = 0,
    ) -> list[object]:
        return [device_uid, start, limit]

    @app.get("/plain")
    async def plain() -> None: ...

    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://muster.test")


@pytest.mark.parametrize(
    ("query", "name", "hint"),
    [
        ("device=pump-1", "device", "did you mean device_uid?"),
        ("device_uid=pump-1&From=now", "From", "did you mean from?"),
        ("start=now", "start", "there are device_uid, from, limit"),
        ("limits", "limits", "did you mean limit?"),
        ("a+b%26=1", "a b&", "there are device_uid, from, limit"),
        ("%ff=1", "\ufffd", "there are device_uid, from, limit"),
        ("x" * 5_000, "x" * 64, "there are device_uid, from, limit"),
    ],
)
async def test_a_parameter_that_is_not_there_is_refused_with_those_that_are(
    client: httpx.AsyncClient, query: str, name: str, hint: str
):
    answer = await client.get(f"/things?{query}")
    told = answer.json()
    assert (answer.status_code, told["code"], told["parameter"]) == (422, "unknown_parameter", name)
    assert told["known"] == ["device_uid", "from", "limit"]
    assert told["detail"] == f"there is no query parameter {name!r} here; {hint}"


async def test_what_is_there_is_taken_by_the_name_that_clients_write(client: httpx.AsyncClient):
    answer = await client.get("/things?device_uid=a&device_uid=b&from=&limit=3")
    assert answer.json() == [["a", "b"], "", 3]
    assert (await client.get("/things?&")).json() == [None, None, 50]


async def test_a_path_without_any_says_so(client: httpx.AsyncClient):
    assert (await client.get("/plain?x=1")).json()["detail"].endswith("; this path takes none")


@pytest.mark.parametrize("path", sorted(health.PATHS))
async def test_whoever_asks_for_health_may_add_what_they_like(client: httpx.AsyncClient, path: str):
    assert (await client.get(f"{path}?again=1")).status_code == 200
