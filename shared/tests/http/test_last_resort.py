"""What is answered when something goes wrong that nobody foresaw."""

from contextlib import asynccontextmanager
from types import SimpleNamespace

import httpx
import pytest
from starlette.responses import StreamingResponse

from shared.http import middleware
from shared.http.app import create_app
from shared.http.openapi import StoreErrors
from shared.observability import correlation
from shared.settings import ServiceSettings
from shared.tokens import KeyRing

ORIGIN = "https://dashboard.example"


@asynccontextmanager
async def lifespan(_app):
    yield


@pytest.fixture
def client():
    app = create_app(
        service="test",
        title="Test",
        description="",
        settings=ServiceSettings(allowed_origins=(ORIGIN,)),
        lifespan=lifespan,
        store_errors=StoreErrors(),
    )
    app.state.keys = KeyRing({})

    @app.get("/fails", operation_id="fails")
    async def fails() -> None:
        raise RuntimeError("the password is hunter2")

    @app.get("/breaks-off", operation_id="breaks_off")
    async def breaks_off() -> StreamingResponse:
        async def pieces():
            yield "one"
            raise RuntimeError("the password is hunter2")

        return StreamingResponse(pieces())

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://muster.test")


@pytest.fixture
def logged(monkeypatch) -> list[correlation.Trace | None]:
    """The traces under which errors were logged."""
    traces = []
    log = SimpleNamespace(error=lambda *_, **__: traces.append(correlation.current()))
    monkeypatch.setattr(middleware, "_log", log)
    return traces


async def test_the_answer_names_the_id_by_which_its_cause_stands_in_the_logs(client, logged):
    answer = await client.get("/fails", headers={"X-Correlation-Id": "mine", "Origin": ORIGIN})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "hunter2" not in answer.text
    assert answer.headers["X-Correlation-Id"] == "mine"
    assert [trace.correlation_id for trace in logged] == ["mine"]


async def test_a_page_of_another_origin_may_read_the_answer(client, logged):
    answer = await client.get("/fails", headers={"Origin": ORIGIN})
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["X-Request-Id"] == answer.headers["X-Correlation-Id"] == logged[0].correlation_id


async def test_an_answer_that_has_begun_is_not_followed_by_another(client):
    answer = await client.get("/breaks-off")
    assert (answer.status_code, answer.text) == (200, "one")
