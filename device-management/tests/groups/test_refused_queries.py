"""A query that is none is refused in the same way wherever devices are picked by one."""

import httpx
import pytest


@pytest.mark.parametrize(("rql", "position"), [("", 0), ("x" * 8_193, 8_192)], ids=["empty", "too long"])
async def test_every_door_names_the_position(admin: httpx.AsyncClient, rql: str, position: int):
    answers = [
        await admin.get("/api/v2/devices", params={"rql": rql}),
        await admin.get("/api/v2/devices/export", params={"rql": rql}),
        await admin.post("/api/v2/devices/search", json={"rql": rql}),
        await admin.post("/api/v2/groups", json={"name": "g", "rql": rql}),
        await admin.post("/api/v2/actions/bulk", json={"type": "reset", "rql": rql}),
        await admin.post("/api/v2/configuration/jobs", json={"params": {"a": 1}, "rql": rql}),
        await admin.post("/api/config/start", json={"config_params": {"a": 1}, "rql_query": rql}),
    ]
    told = [(answer.status_code, answer.json()["code"], answer.json().get("position")) for answer in answers]
    assert told == [(400, "bad_query", position)] * len(answers)
