import csv
import io
import json

import pytest


async def register(client, uid, **body):
    return (await client.post("/api/v2/devices", json={"device_uid": uid, **body})).json()


async def export(client, **params):
    answer = await client.get("/api/v2/devices/export", params=params)
    assert answer.status_code == 200, answer.text
    return answer


async def test_devices_come_as_csv_in_the_order_of_their_registration(admin, stranger):
    await register(admin, "pump-1", name="Pump", tags=["a", "b"], attributes={"slots": 4})
    await register(admin, "pump-2")
    await register(stranger, "theirs")
    answer = await export(admin)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="devices.csv"'
    first, second = csv.DictReader(io.StringIO(answer.text))
    assert (first["device_uid"], first["tags"], first["attributes"]) == ("pump-1", "a;b", '{"slots":4}')
    assert (second["device_uid"], second["name"], second["lifecycle"]) == ("pump-2", "", "in_stock")


async def test_devices_come_as_ndjson_as_the_api_shows_them(admin):
    devices = [await register(admin, f"pump-{number}", attributes={"n": number}) for number in range(3)]
    answer = await export(admin, format="ndjson")
    assert answer.headers["content-type"] == "application/x-ndjson; charset=utf-8"
    assert [json.loads(line) for line in answer.text.splitlines()] == devices


@pytest.mark.parametrize("file_format", ["csv", "ndjson"])
async def test_more_than_a_page_is_there_once_each(admin, file_format, monkeypatch):
    monkeypatch.setattr("device_management.imports.service._EXPORT_PAGE", 2)
    uids = [(await register(admin, f"pump-{number}"))["device_uid"] for number in range(5)]
    text = (await export(admin, format=file_format)).text
    rows = csv.DictReader(io.StringIO(text)) if file_format == "csv" else map(json.loads, text.splitlines())
    assert [row["device_uid"] for row in rows] == uids


async def test_a_query_and_a_group_choose_what_is_exported(admin):
    for uid in ("pump-1", "pump-2", "valve-1"):
        await register(admin, uid, device_type=uid[:-2])
    group = (await admin.post("/api/v2/groups", json={"name": "G", "rql": 'like(device_uid,"*1")'})).json()
    answer = await export(admin, format="ndjson", rql='eq(device_type,"pump")', group=group["id"])
    assert [json.loads(line)["device_uid"] for line in answer.text.splitlines()] == ["pump-1"]


async def test_no_device_is_a_header_alone(admin):
    assert (await export(admin)).text.startswith("device_uid,name,")
    assert (await export(admin, format="ndjson")).text == ""


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"rql": "eq(name"}, 400, "bad_query"),
        ({"group": 999}, 404, "group_not_found"),
        ({"format": "xml"}, 422, "validation_failed"),
    ],
)
async def test_what_is_wrong_is_said_before_the_first_byte(admin, params, status, code):
    answer = await admin.get("/api/v2/devices/export", params=params)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(("file_format", "media_type"), [("csv", "text/csv"), ("ndjson", "application/x-ndjson")])
async def test_what_was_exported_is_imported_without_a_change_and_elsewhere_anew(
    send, admin, sql, file_format, media_type
):
    await register(admin, "-pump", name="=1+1", tags=["a;b", "[c"], attributes={"": "'=x", "n": [1, None, 0.1]})
    await register(admin, "old", name="@old")
    await register(admin, "valve", status="deployed", updates_enabled=False)
    await admin.delete("/api/v2/devices/old")
    text = (await export(admin, format=file_format)).text
    before = [dict(row) for row in await sql.fetch("select * from devices order by id")]
    job = await send(text, media_type=media_type)
    assert (job["unchanged"], job["total"]) == (3, 3)
    assert [dict(row) for row in await sql.fetch("select * from devices order by id")] == before
    await sql.execute("delete from devices")
    job = await send(text, media_type=media_type)
    assert (job["created"], job["refused"]) == (2, 1)
    names = ("device_uid", "name", "lifecycle", "updates_enabled", "attributes", "tags")
    after = [dict(row) for row in await sql.fetch("select * from devices order by device_uid")]
    expected = sorted((row for row in before if row["device_uid"] != "old"), key=lambda row: row["device_uid"])
    assert [[row[name] for name in names] for row in after] == [[row[name] for name in names] for row in expected]
