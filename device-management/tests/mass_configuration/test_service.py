import asyncio
from collections import Counter

import pytest
from sqlalchemy import text

from device_management.mass_configuration import service
from device_management.mass_configuration.service import BACKLOG, JobService
from shared.errors import ServiceUnavailable
from shared.http.pagination import encode_cursor
from shared.testing import eventually

JOBS = "/api/v2/configuration/jobs"
GATEWAYS = 'eq(attributes/type,"gateway")'


async def start(client, **body):
    answer = await client.post(JOBS, json={"params": {"mode": "fast"}} | body)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def job_of(admin, job):
    return (await admin.get(f"{JOBS}/{job['id']}")).json()


async def items_of(admin, job, **params):
    return (await admin.get(f"{JOBS}/{job['id']}/items", params=params)).json()["items"]


async def test_a_job_asks_each_device_once_and_ends_with_an_outcome_for_each(admin, pumps, steps, answer, tell, sql):
    job = await start(admin, rql=GATEWAYS)
    assert (job["state"], job["total"], job["counts"]["pending"]) == ("running", 8, 8)
    await steps()
    await steps()
    assert await sql.fetchval("select count(*) from actions") == 8
    assert await answer("pump-0", state="failed", error="no such mode") == 1
    assert await answer() == 7
    await tell()
    await steps()
    job = await job_of(admin, job)
    assert (job["state"], job["counts"]["succeeded"], job["counts"]["failed"]) == ("completed", 7, 1)
    assert job["ended_at"] is not None
    [failed] = await items_of(admin, job, state="failed")
    assert (failed["name"], failed["reason"], failed["attempts"]) == ("pump-0", "no such mode", 1)
    commands = await sql.fetch("select params from actions")
    assert {row["params"] for row in commands} == {'{"configuration": {"mode": "fast"}}'}
    desired = await sql.fetch("select desired from configurations")
    assert [row["desired"] for row in desired] == ['{"mode": "fast"}'] * 8


async def test_the_selection_is_frozen_when_the_job_starts(admin, pumps, steps, sql):
    job = await start(admin, rql=GATEWAYS, concurrency=1)
    late = {"device_uid": "late", "attributes": {"type": "gateway"}}
    assert (await admin.post("/api/v2/devices", json=late)).status_code == 201
    await steps()
    assert (await job_of(admin, job))["total"] == 8


async def test_nobody_is_asked_while_more_news_wait_than_the_relay_sends_in_time(admin, pumps, steps, sql):
    await sql.execute("update outbox set sent_at = now()")
    await sql.execute(
        "insert into outbox (event_id, type, subject, payload) "
        "select gen_random_uuid(), 'x', 'x', '{}' from generate_series(1, $1::int)",
        BACKLOG + 1,
    )
    await start(admin, rql=GATEWAYS)
    await steps()
    assert await sql.fetchval("select count(*) from actions") == 0
    await sql.execute("update outbox set sent_at = now()")

    async def asked() -> bool:
        await steps()
        return await sql.fetchval("select count(*) from actions") == 8

    await eventually(asked)


async def test_large_parameters_go_to_fewer_devices_at_a_time(admin, pumps, steps, sql, monkeypatch):
    monkeypatch.setattr(service, "_STEP_BYTES", 3 * len('{"mode":"fast"}'))
    await start(admin, rql=GATEWAYS)
    await steps()
    calls = await sql.fetch("select count(*) as devices from actions group by bulk_id order by bulk_id")
    assert [call["devices"] for call in calls] == [3, 3, 2]


async def test_no_more_than_the_limit_are_under_way(admin, pumps, steps, answer, tell):
    job = await start(admin, rql=GATEWAYS, concurrency=3)
    seen: Counter[str] = Counter()
    for _ in range(3):
        await steps()
        counts = (await job_of(admin, job))["counts"]
        assert counts["dispatched"] <= 3
        seen.update([counts["dispatched"]])
        await answer()
        await tell()
    await steps()
    assert seen == {3: 2, 2: 1}
    assert (await job_of(admin, job))["state"] == "completed"


async def test_what_cannot_be_asked_fails_with_the_reason_and_others_go_on(admin, stranger, pumps, steps, answer, tell):
    await stranger.post("/api/v2/devices", json={"device_uid": "theirs"})
    assert (await admin.delete("/api/v2/devices/pump-1")).status_code in {200, 204}
    job = await start(admin, device_uids=["pump-0", "pump-1", "theirs", "nobody", "pump-0"])
    await steps()
    await answer()
    await tell()
    await steps()
    reasons = {item["name"]: item["reason"] for item in await items_of(admin, job)}
    assert reasons == {
        "pump-0": None,
        "pump-1": "device_retired",
        "theirs": "device_not_found",
        "nobody": "device_not_found",
    }
    assert (await job_of(admin, job))["state"] == "completed"


async def test_a_device_whose_configuration_would_grow_too_large_is_not_asked(admin, pumps, steps, answer, tell, sql):
    large = {"desired": {"notes": "x" * 16_000}}
    assert (await admin.put("/api/v2/devices/pump-1/configuration", json=large)).status_code in {200, 202}
    job = await start(admin, device_uids=["pump-0", "pump-1"], params={"mode": "y" * 1_000})
    await steps()
    assert await answer("pump-0") == 1
    await tell()
    await steps()
    job = await job_of(admin, job)
    assert (job["state"], job["counts"]["succeeded"], job["counts"]["failed"]) == ("completed", 1, 1)
    [failed] = await items_of(admin, job, state="failed")
    assert (failed["name"], failed["reason"], failed["attempts"]) == ("pump-1", "configuration_too_large", 1)
    assert (await admin.get("/api/v2/devices/pump-1/configuration")).json()["desired"] == large["desired"]


async def test_a_job_of_devices_that_all_have_no_room_ends(admin, pumps, steps):
    large = {"desired": {"notes": "x" * 16_000}}
    assert (await admin.put("/api/v2/devices/pump-1/configuration", json=large)).status_code in {200, 202}
    job = await start(admin, device_uids=["pump-1"], params={"mode": "y" * 1_000})
    await steps()
    assert (await job_of(admin, job))["counts"]["failed"] == 1
    assert (await job_of(admin, job))["state"] == "completed"


async def test_a_job_that_cannot_be_carried_on_holds_up_no_other(admin, pumps, steps, sql, monkeypatch):
    broken, other = await start(admin, device_uids=["pump-1"]), await start(admin, device_uids=["pump-2"])
    carry_on = JobService._carry_on

    async def fails_for_one(service, job):
        if str(job.id) == broken["id"]:
            raise KeyError("a defect")
        return await carry_on(service, job)

    monkeypatch.setattr(JobService, "_carry_on", fails_for_one)
    await steps()
    monkeypatch.undo()
    await steps()
    assert (await job_of(admin, other))["counts"]["dispatched"] == 1
    assert (await job_of(admin, broken))["counts"]["pending"] == 1, "it is left aside for a while"
    await sql.execute("update configuration_jobs set stepped_at = now()")
    await steps()
    assert (await job_of(admin, broken))["counts"]["dispatched"] == 1


async def test_jobs_that_only_wait_are_all_looked_at_in_one_go(admin, pumps, steps, sql):
    for _ in range(3):
        await start(admin, rql=GATEWAYS, concurrency=1)
    await steps()
    await sql.execute("update configuration_jobs set stepped_at = now() - interval '1 day'")
    await steps()
    assert (
        await sql.fetchval("select count(*) from configuration_jobs where stepped_at < now() - interval '1 hour'") == 0
    )


async def test_a_deadlock_puts_a_job_off_for_no_time(admin, pumps, steps, monkeypatch):
    job = await start(admin, device_uids=["pump-1"])
    carry_on = JobService._carry_on

    async def loses(service, job):
        await service._unit.session.execute(text("do $$ begin raise exception using errcode = '40P01'; end $$"))

    monkeypatch.setattr(JobService, "_carry_on", loses)
    with pytest.raises(ServiceUnavailable):
        await steps()
    monkeypatch.setattr(JobService, "_carry_on", carry_on)
    await steps()
    assert (await job_of(admin, job))["counts"]["dispatched"] == 1


async def test_what_failed_is_retried_in_a_run_of_its_own(admin, pumps, steps, answer, tell, sql):
    job = await start(admin, rql=GATEWAYS)
    await steps()
    await answer("pump-0", "pump-1", state="failed", error="busy now")
    await answer()
    await tell()
    await steps()
    again = await admin.post(f"{JOBS}/{job['id']}/retry")
    assert again.status_code == 202
    assert again.json()["run_id"] != job["run_id"]
    assert (again.json()["state"], again.json()["counts"]["pending"]) == ("running", 2)
    await steps()
    await answer()
    await tell()
    await tell()
    await steps()
    ended = await job_of(admin, job)
    assert (ended["state"], ended["counts"]["succeeded"]) == ("completed", 8)
    attempts = {item["name"]: item["attempts"] for item in await items_of(admin, job)}
    assert (attempts["pump-0"], attempts["pump-2"]) == (2, 1)
    nothing = await admin.post(f"{JOBS}/{job['id']}/retry")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_retry")


async def test_a_paused_job_asks_nobody_until_it_is_resumed(admin, pumps, steps, sql):
    job = await start(admin, rql=GATEWAYS, concurrency=2)
    await steps()
    assert (await admin.post(f"{JOBS}/{job['id']}/pause")).json()["state"] == "paused"
    await sql.execute("update actions set state = 'completed'")
    await sql.execute("update configuration_job_items set state = 'succeeded' where state = 'dispatched'")
    await steps()
    assert await sql.fetchval("select count(*) from actions") == 2
    assert (await admin.post(f"{JOBS}/{job['id']}/resume")).json()["state"] == "running"
    await steps()
    assert await sql.fetchval("select count(*) from actions") == 4


async def test_a_cancelled_job_asks_nobody_more_and_counts_what_still_ends(admin, pumps, steps, answer, tell, sql):
    job = await start(admin, rql=GATEWAYS, concurrency=2)
    await steps()
    cancelled = (await admin.post(f"{JOBS}/{job['id']}/cancel")).json()
    assert (cancelled["state"], cancelled["counts"]["cancelled"], cancelled["counts"]["dispatched"]) == (
        "cancelled",
        6,
        2,
    )
    await answer()
    await tell()
    await steps()
    counts = (await job_of(admin, job))["counts"]
    assert (counts["succeeded"], counts["cancelled"]) == (2, 6)
    assert await sql.fetchval("select count(*) from actions") == 2


@pytest.mark.parametrize(
    ("present", "calls"),
    [
        ("running", ["resume", "retry"]),
        ("paused", ["pause", "retry"]),
        ("completed", ["pause", "resume", "cancel"]),
        ("cancelled", ["pause", "resume", "cancel"]),
    ],
)
async def test_a_job_refuses_what_its_state_does_not_allow(admin, pumps, sql, present, calls):
    job = await start(admin, rql=GATEWAYS)
    await sql.execute("update configuration_jobs set state = $1", present)
    for call in calls:
        refused = await admin.post(f"{JOBS}/{job['id']}/{call}")
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_job_state"), (present, call)
    assert (await job_of(admin, job))["state"] == present


async def test_many_workers_ask_a_device_once(admin, pumps, steps, sql):
    await start(admin, rql=GATEWAYS, concurrency=3)
    await start(admin, rql=GATEWAYS, concurrency=3)
    await asyncio.gather(*(steps() for _ in range(8)))
    assert await sql.fetchval("select count(*) from configuration_job_items where state = 'dispatched'") == 6
    assert await sql.fetchval("select count(*) from actions") == 6


async def test_a_job_whose_query_finds_nothing_ends_at_once(admin, steps):
    job = await start(admin, rql='eq(attributes/type,"nothing")')
    await steps()
    assert (await job_of(admin, job))["state"] == "completed"


async def test_one_started_twice_under_a_key_is_one_job(admin, pumps):
    headers = {"Idempotency-Key": "k1"}
    body = {"params": {"mode": "fast"}, "rql": GATEWAYS}
    answers = [await admin.post(JOBS, json=body, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len((await admin.get(JOBS)).json()["items"]) == 1


async def test_jobs_are_read_page_by_page_newest_first(admin, pumps):
    started = [(await start(admin, rql=GATEWAYS))["id"] for _ in range(5)]
    seen, cursor = [], None
    while True:
        page = (await admin.get(JOBS, params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [job["id"] for job in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == started[::-1]


@pytest.mark.parametrize("key", [("x", "y"), ("2026-11-21T10:00:00", "y"), ("0001-01-01T00:00:00+23:00", "y"), (1, 2)])
async def test_a_cursor_of_another_list_is_refused(admin, key):
    answer = await admin.get(JOBS, params={"cursor": encode_cursor(*key)})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"params": {"mode": 1}}, 422),
        ({"params": {"mode": 1}, "rql": GATEWAYS, "device_uids": ["a"]}, 422),
        ({"params": {}, "rql": GATEWAYS}, 422),
        ({"params": {"mode": 1}, "rql": "eq(attributes/type"}, 400),
        ({"params": {"mode": 1}, "rql": "eq(nothing,1)"}, 400),
        ({"params": {"mode": 1}, "group_id": 999}, 404),
        ({"params": {"mode": 1}, "device_uids": ["a b"]}, 422),
        ({"params": {"mode": 1}, "rql": GATEWAYS, "concurrency": 0}, 422),
    ],
)
async def test_a_job_that_makes_no_sense_is_refused_and_leaves_nothing(admin, body, status):
    answer = await admin.post(JOBS, json=body)
    assert answer.status_code == status, answer.text
    assert (await admin.get(JOBS)).json()["items"] == []


async def test_another_organizations_job_answers_as_one_that_does_not_exist(admin, stranger, pumps):
    job = await start(admin, rql=GATEWAYS)
    nobody = "00000000-0000-4000-8000-000000000000"
    for method, rest in [
        ("GET", ""),
        ("GET", "/items"),
        *(("POST", f"/{call}") for call in ("pause", "resume", "cancel", "retry")),
    ]:
        theirs = await stranger.request(method, f"{JOBS}/{job['id']}{rest}")
        nobodys = await stranger.request(method, f"{JOBS}/{nobody}{rest}")
        assert theirs.status_code == nobodys.status_code == 404, rest
        assert theirs.json() == nobodys.json()
    status = await stranger.get("/api/config/status", params={"workflowID": job["id"]})
    assert status.status_code == 404
    assert (await stranger.get(JOBS)).json()["items"] == []
