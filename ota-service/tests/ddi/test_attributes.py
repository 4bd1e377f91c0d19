"""What a device says of itself goes to device-management."""

import json

import pytest


@pytest.fixture
async def pump(add_devices, target):
    await add_devices("pump-1")
    return target()


@pytest.fixture
def told(sql):
    async def read() -> list[tuple[int, dict[str, str]]]:
        rows = await sql.fetch("select payload from outbox where type = 'device.attributes_reported.v1' order by id")
        news = [json.loads(row["payload"])["data"] for row in rows]
        return [(data["version"], data["attributes"]) for data in news]

    return read


async def test_attributes_are_merged_replaced_and_removed(pump, told):
    assert (await pump.put({"hw": "r1", "mac": "aa"})).status_code == 200
    assert (await pump.put({"hw": "r2"}, mode="merge")).status_code == 200
    assert (await pump.put({"mac": ""}, mode="remove")).status_code == 200
    assert (await pump.put({"os": "7"}, mode="replace")).status_code == 200
    assert await told() == [
        (1, {"hw": "r1", "mac": "aa"}),
        (2, {"hw": "r2", "mac": "aa"}),
        (3, {"hw": "r2"}),
        (4, {"os": "7"}),
    ]


async def test_the_same_again_is_no_news(pump, told):
    await pump.put({"hw": "r1"})
    await pump.put({"hw": "r1"})
    assert len(await told()) == 1


async def test_what_else_a_client_sends_is_ignored(pump):
    status = {"execution": "closed", "result": {"finished": "success"}}
    assert (await pump.put({"hw": "r1"}, id="", time="20261121T101010", status=status)).status_code == 200


NO_ATTRIBUTES = [
    {},
    {"data": {}},
    {"data": []},
    {"data": {"": "x"}},
    {"data": {"k" * 129: "x"}},
    {"data": {"k": "v" * 129}},
    {"data": {"k": 7}},
    {"data": {"k": None}},
    {"data": {"k": "\0"}},
    {"data": {"k": "v"}, "mode": "forget"},
]


async def test_what_cannot_be_an_attribute_is_refused(pump, told):
    for body in NO_ATTRIBUTES:
        answer = await pump.http.put(f"{pump.path}/configData", json=body)
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "muster.unreadable_body"), body
    assert await told() == []


async def test_a_device_has_at_most_a_hundred_attributes(pump, told):
    assert (await pump.put({f"key-{number}": "v" for number in range(100)})).status_code == 200
    answer = await pump.put({"one more": "v"})
    assert (answer.status_code, answer.json()["errorCode"]) == (429, "muster.too_many_attributes")
    assert (await pump.put({"one": "v"}, mode="replace")).status_code == 200
    assert [version for version, _ in await told()] == [1, 2]
