import httpx
import pytest
from fastapi import FastAPI

from shared.http import problem
from shared.http.preconditions import IfMatch

VERSION = 7


@pytest.fixture
async def client():
    app = FastAPI()
    problem.install(app)

    @app.put("/thing")
    async def put(expected: IfMatch) -> dict[str, int]:
        expected.require(VERSION)
        return {"version": VERSION}

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://muster.test") as client:
        yield client


@pytest.mark.parametrize("header", [None, "*", '"7"', '"6", "7"'])
async def test_a_change_that_expects_the_present_version_is_let_through(client, header):
    answer = await client.put("/thing", headers={} if header is None else {"If-Match": header})
    assert answer.status_code == 200


@pytest.mark.parametrize("header", ['"6"', 'W/"7"', '"77"', '""'])
async def test_a_change_that_expects_another_version_is_refused_with_the_present_one(client, header):
    answer = await client.put("/thing", headers={"If-Match": header})
    assert (answer.status_code, answer.json()["code"], answer.json()["version"]) == (412, "stale", VERSION)


@pytest.mark.parametrize("header", ["7", '"7', "", '"7"; "8"', "x" * 300])
async def test_what_is_no_entity_tag_is_refused(client, header):
    answer = await client.put("/thing", headers={"If-Match": header})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_precondition")
