"""What the framework itself refuses."""

from enum import StrEnum
from typing import Annotated, Literal

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, Field

from shared.http import problem


class Kind(StrEnum):
    ROUND = "round"
    SQUARE = "square"


class Round(BaseModel):
    kind: Literal[Kind.ROUND] = Kind.ROUND


class Square(BaseModel):
    kind: Literal[Kind.SQUARE] = Kind.SQUARE


class Thing(BaseModel):
    name: str
    shape: Annotated[Round | Square, Field(discriminator="kind")] = Round()


@pytest.fixture
def client():
    app, router = FastAPI(), APIRouter(prefix="/things")
    problem.install(app)

    @router.get("/{_thing}")
    async def get(_thing: str) -> None: ...

    @router.put("/{_thing}")
    async def put(_thing: str, _body: Thing) -> None: ...

    app.include_router(router, prefix="/api")
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://muster.test")


async def test_a_method_that_is_not_there_is_answered_with_all_that_are(client: httpx.AsyncClient):
    answer = await client.delete("/api/things/1")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PUT")


@pytest.mark.parametrize(
    ("body", "media_type", "status", "code"),
    [
        (b"{", "application/json", 400, "invalid_json"),
        (b"[" * 100_000, "application/json", 400, "bad_request"),
        (b'{"name": 1' + b"0" * 5_000 + b"}", "application/json", 400, "bad_request"),
        (b'{"name": "\xff"}', "application/json", 400, "invalid_json"),
        (b'{"name": "x"}', "text/plain", 415, "unsupported_media_type"),
        (b'{"name": 1}', "application/json", 422, "validation_failed"),
    ],
)
async def test_a_body_that_cannot_be_read_is_told_from_one_of_the_wrong_shape(
    client: httpx.AsyncClient, body: bytes, media_type: str, status: int, code: str
):
    answer = await client.put("/api/things/1", content=body, headers={"Content-Type": media_type})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("body", "detail", "position"),
    [
        (b'{"name": "x",}', "double quotes (at position 13)", 13),
        (b'{"name": "\xff"}', "the body is not text in UTF-8 (at position 10)", 10),
        (b"[" * 100_000, "the body is nested too deeply", None),
        (b'{"name": 1' + b"0" * 5_000 + b"}", "a whole number in the body has over 4300 digits", None),
    ],
    ids=["grammar", "encoding", "depth", "digits"],
)
async def test_a_body_that_cannot_be_read_is_told_why_and_where(
    client: httpx.AsyncClient, body: bytes, detail: str, position: int | None
):
    answer = await client.put("/api/things/1", content=body, headers={"Content-Type": "application/json"})
    assert answer.json()["detail"].endswith(detail)
    assert answer.json().get("position") == position


async def test_what_is_expected_is_named_as_clients_write_it(client: httpx.AsyncClient):
    answer = await client.put("/api/things/1", json={"name": "x", "shape": {"kind": "oval"}})
    message = answer.json()["errors"][0]["message"]
    assert message.endswith("any of the expected tags: 'round', 'square'")
