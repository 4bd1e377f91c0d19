import asyncio
import json
from contextlib import suppress
from datetime import timedelta

import pytest

from device_management.devices.service import DeviceService
from device_management.imports.jobs import ImportSteps
from device_management.imports.service import BACKLOG, ChunkFailed, ImportService

HEADER = "device_uid,name,device_type,attributes/site\n"
FILE = HEADER + "pump-1,Pump 1,pump,north\npump-2,Pump 2,pump,south\n"
COUNTS = ("created", "updated", "unchanged", "skipped", "refused")


def counts(job) -> dict[str, int]:
    return {name: job[name] for name in COUNTS if job[name]}


async def devices(sql, columns="device_uid"):
    return [tuple(row) for row in await sql.fetch(f"select {columns} from devices order by id")]  # noqa: S608


async def refused(client, job):
    answer = await client.get(f"/api/v2/imports/{job['id']}/errors")
    assert answer.status_code == 200, answer.text
    return [(row["line"], row["device_uid"], row["code"]) for row in answer.json()["items"]]


async def test_a_file_becomes_devices_with_their_events_and_audit_entries(send, sql, admin):
    job = await send(FILE, filename="pumps.csv")
    assert (job["state"], job["total"], job["done"], counts(job)) == ("completed", 2, 2, {"created": 2})
    assert (job["filename"], job["finished_at"] is not None) == ("pumps.csv", True)
    device = (await admin.get("/api/v2/devices/pump-2")).json()
    assert (device["name"], device["attributes"], device["lifecycle"]) == ("Pump 2", {"site": "south"}, "in_stock")
    events = await sql.fetch("select type from outbox order by id")
    assert [row["type"] for row in events] == ["device.registered.v1"] * 2
    asked, entries = await sql.fetchval("select actor_id from imports"), await sql.fetch("select * from audit_entries")
    assert {(row["action"], row["actor_id"]) for row in entries} == {("registered", asked)}
    assert await sql.fetchval("select count(*) from import_rows") == 0


@pytest.mark.parametrize("rows", [1, 2_000], ids=["at the end", "on the way"])
async def test_a_full_disk_refuses_a_file_and_keeps_nothing(admin, sql, monkeypatch, rows):
    monkeypatch.setattr("device_management.imports.api.TemporaryFile", lambda: open("/dev/full", "w+b"))  # noqa: SIM115
    headers = {"Content-Type": "text/csv", "Idempotency-Key": "file-1"}
    answer = await admin.post("/api/v2/imports", content=HEADER + "pump-1,Pump 1,pump,north\n" * rows, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
    for table in ("imports", "import_rows", "idempotency_keys"):
        assert await sql.fetchval(f"select count(*) from {table}") == 0  # noqa: S608


async def test_a_file_waits_while_other_news_has_not_been_sent(send, steps, sql, admin):
    await sql.execute(
        """
        insert into outbox (event_id, type, subject, payload)
        select gen_random_uuid(), 'x', 'device/' || n, '{}' from generate_series(1, $1::int) as n
        """,
        BACKLOG + 1,
    )
    job = await send(FILE)
    assert (job["state"], job["done"], await devices(sql)) == ("pending", 0, [])
    await sql.execute("update outbox set sent_at = now()")
    await steps()
    ended = (await admin.get(f"/api/v2/imports/{job['id']}")).json()
    assert (ended["state"], counts(ended)) == ("completed", {"created": 2})


async def test_the_same_file_again_changes_nothing(send, sql):
    await send(FILE)
    before = await devices(sql, "*")
    events = await sql.fetchval("select count(*) from outbox")
    job = await send(FILE)
    assert counts(job) == {"unchanged": 2}
    assert await devices(sql, "*") == before
    assert await sql.fetchval("select count(*) from outbox") == events


async def test_a_null_in_attributes_is_a_member_that_is_not_there(send, admin):
    row = b'{"device_uid": "pump-1", "attributes": {"site": null, "slots": {"a": 1, "b": null}}}'
    created = await send(row, media_type="application/x-ndjson")
    again = await send(row, media_type="application/x-ndjson")
    assert (created["created"], again["unchanged"]) == (1, 1)
    assert (await admin.get("/api/v2/devices/pump-1")).json()["attributes"] == {"slots": {"a": 1}}


async def test_a_row_that_differs_updates_its_device_and_leaves_what_it_does_not_say(send, sql, admin):
    await admin.post(
        "/api/v2/devices",
        json={"device_uid": "pump-1", "serial_number": "S1", "attributes": {"floor": 2, "site": "west"}},
    )
    job = await send(FILE)
    assert counts(job) == {"created": 1, "updated": 1}
    device = (await admin.get("/api/v2/devices/pump-1")).json()
    assert (device["name"], device["serial_number"]) == ("Pump 1", "S1")
    assert (device["attributes"], device["version"]) == ({"floor": 2, "site": "north"}, 2)
    changed = json.loads(
        await sql.fetchval("select payload from outbox where type = 'device.changed.v1'"),
    )
    assert (changed["data"]["device_uid"], changed["data"]["version"]) == ("pump-1", 2)
    entry = await sql.fetchrow("select before, after from audit_entries where action = 'edited'")
    assert json.loads(entry["after"])["name"] == "Pump 1"


async def test_with_skip_a_device_that_differs_stays_as_it_is(send, sql, admin):
    await admin.post("/api/v2/devices", json={"device_uid": "pump-1", "name": "Mine"})
    assert counts(await send(FILE, policy="skip")) == {"created": 1, "skipped": 1}
    assert (await admin.get("/api/v2/devices/pump-1")).json()["name"] == "Mine"
    assert counts(await send("device_uid,name\npump-1,Mine\n", policy="skip")) == {"unchanged": 1}


async def test_rows_that_are_refused_stop_no_other_and_name_their_lines(send, sql, admin, stranger):
    await stranger.post("/api/v2/devices", json={"device_uid": "theirs"})
    await admin.post("/api/v2/devices", json={"device_uid": "old"})
    await admin.delete("/api/v2/devices/old")
    lines = [
        "device_uid,name,updates_enabled,lifecycle",
        "pump-1,Pump 1,true,deployed",
        "theirs,x,,",
        "a.b,x,,",
        ",nameless,,",
        "pump-1,again,,",
        "pump-2," + "x" * 300 + ",,",
        "pump-3,x,perhaps,",
        "old,renamed,,",
        "pump-4,x",
        "pump-5,x,,retired",
        "12345,x,,",
        "pump-6,x\0y,,",
    ]
    job = await send("\n".join(lines))
    assert counts(job) == {"created": 1, "refused": 11}
    assert await refused(admin, job) == [
        (3, "theirs", "device_uid_taken"),
        (4, "a.b", "unacceptable_uid"),
        (5, None, "unacceptable_uid"),
        (6, "pump-1", "device_uid_repeated"),
        (7, "pump-2", "unacceptable_row"),
        (8, "pump-3", "unacceptable_row"),
        (9, "old", "device_retired"),
        (10, None, "unreadable_row"),
        (11, "pump-5", "unacceptable_row"),
        (12, "12345", "unacceptable_uid"),
        (13, "pump-6", "unacceptable_row"),
    ]
    assert (await admin.get("/api/v2/devices/pump-1")).json()["lifecycle"] == "deployed"
    page = await admin.get(f"/api/v2/imports/{job['id']}/errors?limit=4")
    rest = await admin.get(page.links["next"]["url"])
    assert [row["line"] for row in page.json()["items"] + rest.json()["items"]] == [3, 4, 5, 6, 7, 8, 9, 10]


async def test_ndjson_is_read_as_the_api_shows_devices(send, admin):
    lines = [
        {"device_uid": "pump-1", "attributes": {"slots": 4, "nested": {"a": [1, None]}}, "tags": ["x"], "id": 99},
        {"device_uid": "pump-2", "colour": "red"},
        {"device_uid": "pump-3", "attributes": {"bad": "\ud800"}},
        {"device_uid": "pump\0-4"},
    ]
    job = await send("\n".join(map(json.dumps, lines)), media_type="application/x-ndjson")
    assert counts(job) == {"created": 1, "refused": 3}
    assert [line for line, _, _ in await refused(admin, job)] == [2, 3, 4]
    assert (await admin.get("/api/v2/devices/pump-1")).json()["attributes"] == lines[0]["attributes"]


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"device_uid,name,name\na,b,c\n", "text/csv", 422, "unreadable_file"),
        (b"device_uid,nonsense\na,b\n", "text/csv", 422, "unreadable_file"),
        (b"device_uid\n", "text/csv", 422, "unreadable_file"),
        (b"", "text/csv", 422, "unreadable_file"),
        (b"", "application/x-ndjson", 422, "unreadable_file"),
        (b"device_uid\n" + b"a\n" * 9_000 + b"\xff\n", "text/csv", 422, "unreadable_file"),
        (FILE.encode(), "application/json", 415, "unsupported_media_type"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_whole(admin, sql, content, media_type, status, code):
    answer = await admin.post("/api/v2/imports", content=content, headers={"Content-Type": media_type})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await sql.fetchval("select count(*) from imports") == 0
    assert await sql.fetchval("select count(*) from import_rows") == 0


@pytest.mark.parametrize(("rows", "status", "code"), [(9_001, 413, "too_many_rows"), (40_000, 413, "body_too_large")])
async def test_a_file_over_the_limits_is_refused_whole(admin, sql, rows, status, code):
    body = "device_uid\n" + "".join(f"pump-{number}\n" for number in range(rows))

    async def without_a_length():
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536].encode()

    for content in (body, without_a_length()):
        answer = await admin.post("/api/v2/imports", content=content, headers={"Content-Type": "text/csv"})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await sql.fetchval("select count(*) from import_rows") == 0


async def test_so_many_may_wait_at_once(admin, monkeypatch):
    monkeypatch.setattr("device_management.imports.service.MAX_OPEN", 3)
    answers = await asyncio.gather(
        *(admin.post("/api/v2/imports", content=FILE, headers={"Content-Type": "text/csv"}) for _ in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [409] * 5


async def test_chunks_go_on_where_the_last_one_was_done(send, sql, monkeypatch):
    monkeypatch.setattr("device_management.imports.service.CHUNK", 3)
    body = "device_uid\n" + "".join(f"pump-{number}\n" for number in range(10))
    job = await send(body)
    assert (job["state"], counts(job)) == ("completed", {"created": 10})
    assert await devices(sql) == [(f"pump-{number}",) for number in range(10)]


async def test_five_workers_make_each_device_once(admin, app, sql, organizations, monkeypatch):
    monkeypatch.setattr("device_management.imports.service.CHUNK", 5)
    body = "device_uid\n" + "".join(f"pump-{number}\n" for number in range(40))
    for _ in range(3):
        await admin.post("/api/v2/imports", content=body, headers={"Content-Type": "text/csv"})

    async def some_open() -> bool:
        async with app.state.scopes() as scope:
            page = await scope.get(ImportService).page(organizations.own, cursor=None, limit=10)
        return any(job.finished_at is None for job in page.items)

    async def work() -> None:
        steps = ImportSteps(app.state.scopes)
        while await some_open():
            with suppress(ChunkFailed):  # of two that wait for each other one begins its chunk again
                await steps()
            await asyncio.sleep(0.02)

    await asyncio.gather(*(work() for _ in range(5)))
    jobs = (await admin.get("/api/v2/imports")).json()["items"]
    assert [job["state"] for job in jobs] == ["completed"] * 3
    assert sum(job["created"] for job in jobs) == 40
    assert sum(job["unchanged"] for job in jobs) == 80
    assert await sql.fetchval("select count(*) from outbox") == 40


async def test_a_cancelled_import_ends_where_it_is(admin, app, steps, sql, monkeypatch):
    monkeypatch.setattr("device_management.imports.service.CHUNK", 2)
    body = "device_uid\n" + "".join(f"pump-{number}\n" for number in range(6))
    job = (await admin.post("/api/v2/imports", content=body, headers={"Content-Type": "text/csv"})).json()
    async with app.state.scopes() as scope:
        assert await scope.get(ImportService).step()
    cancelled = await admin.post(f"/api/v2/imports/{job['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"], cancelled.json()["done"]) == (200, "cancelled", 2)
    await steps()
    assert len(await devices(sql)) == 2
    assert (await admin.post(f"/api/v2/imports/{job['id']}/cancel")).json() == cancelled.json()
    assert await sql.fetchval("select count(*) from import_rows") == 0


async def test_an_import_that_has_ended_cannot_be_cancelled(send, admin):
    job = await send(FILE)
    answer = await admin.post(f"/api/v2/imports/{job['id']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "import_is_over")


async def test_a_chunk_that_fails_leaves_nothing_and_is_tried_again_and_given_up_in_the_end(
    admin, app, sql, monkeypatch
):
    async def fail(*_, **__):
        raise RuntimeError

    job = (await admin.post("/api/v2/imports", content=FILE, headers={"Content-Type": "text/csv"})).json()
    with monkeypatch.context() as patched:
        patched.setattr("device_management.imports.store.ImportStore.advance", fail)
        for attempt in range(8):
            before = await sql.fetchval("select now()")
            with pytest.raises(ChunkFailed):
                await ImportSteps(app.state.scopes)()
            assert await devices(sql) == []
            assert await sql.fetchval("select count(*) from outbox") == 0
            waits_until = await sql.fetchval("select next_attempt_at from imports")
            assert waits_until - before >= timedelta(seconds=2**attempt)
            await sql.execute("update imports set next_attempt_at = now() + interval '1 minute'")
            await ImportSteps(app.state.scopes)()  # nothing to do before the delay is over
            await sql.execute("update imports set next_attempt_at = now()")
    ended = (await admin.get(f"/api/v2/imports/{job['id']}")).json()
    assert (ended["state"], ended["error"]) == ("failed", "something went wrong on our side")


async def test_an_import_tried_again_goes_on_as_if_nothing_had_been(admin, app, sql, monkeypatch):
    async def fail(*_, **__):
        raise RuntimeError

    await admin.post("/api/v2/imports", content=FILE, headers={"Content-Type": "text/csv"})
    with monkeypatch.context() as patched:
        patched.setattr("device_management.imports.store.ImportStore.advance", fail)
        with pytest.raises(ChunkFailed):
            await ImportSteps(app.state.scopes)()
    await sql.execute("update imports set next_attempt_at = now()")
    await ImportSteps(app.state.scopes)()
    [job] = (await admin.get("/api/v2/imports")).json()["items"]
    assert (job["state"], counts(job), job["error"]) == ("completed", {"created": 2}, None)


async def test_a_uid_taken_in_the_meantime_by_the_organization_itself_is_its_device(send, admin, monkeypatch):
    """Between the look for the device and its registration somebody else registers it."""
    looked = DeviceService.edit_many

    async def look_and_be_late(self, *args, **kwargs):
        monkeypatch.undo()
        found = await looked(self, *args, **kwargs)
        await admin.post("/api/v2/devices", json={"device_uid": "pump-1", "name": "Mine"})
        return found

    monkeypatch.setattr(DeviceService, "edit_many", look_and_be_late)
    assert counts(await send(FILE)) == {"created": 1, "updated": 1}


async def test_the_organizations_limit_refuses_what_is_above_it(send, admin, sql):
    await sql.execute("update organizations set device_limit = 1 where slug = 'own'")
    job = await send(FILE)
    assert counts(job) == {"created": 1, "refused": 1}
    assert [code for _, _, code in await refused(admin, job)] == ["device_limit_reached"]


async def test_another_organizations_import_answers_as_one_that_does_not_exist(send, stranger):
    job = await send(FILE)
    for method, rest in (("GET", ""), ("GET", "/errors"), ("POST", "/cancel")):
        theirs = await stranger.request(method, f"/api/v2/imports/{job['id']}{rest}")
        nobodys = await stranger.request(method, f"/api/v2/imports/999{rest}")
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json() == nobodys.json()
    assert (await stranger.get("/api/v2/imports")).json() == {"items": [], "next": None}


async def test_imports_are_listed_newest_first_and_forgotten_in_the_end(send, admin, app, sql):
    jobs = [await send(FILE) for _ in range(3)]
    seen, url = [], "/api/v2/imports?limit=2"
    while url:
        page = await admin.get(url)
        seen += [job["id"] for job in page.json()["items"]]
        url = page.links["next"]["url"] if "next" in page.links else None
    assert seen == [job["id"] for job in reversed(jobs)]
    await sql.execute("update imports set finished_at = now() - interval '31 days' where id = $1", jobs[0]["id"])
    async with app.state.scopes() as scope:
        await scope.get(ImportService).forget_finished()
    assert (await admin.get(f"/api/v2/imports/{jobs[0]['id']}")).status_code == 404
    assert (await admin.get(f"/api/v2/imports/{jobs[1]['id']}")).status_code == 200


@pytest.mark.parametrize("levels", [900, 960, 980])
async def test_a_row_nested_too_deep_is_refused_and_the_others_are_not(send, admin, levels):
    deep = '{"device_uid": "pump-1", "attributes": ' + '{"a":' * levels + "{}" + "}" * (levels + 1)
    job = await send(deep + '\n{"device_uid": "pump-2"}\n', media_type="application/x-ndjson")
    assert (job["state"], counts(job)) == ("completed", {"created": 1, "refused": 1})
