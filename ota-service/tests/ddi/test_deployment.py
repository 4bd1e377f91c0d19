"""An update by this protocol: read, downloaded, reported, closed."""

import json
from hashlib import md5, sha1, sha256

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from ..conftest import IMAGE


@pytest.fixture
def statements():
    """What is asked of the database, beside the one question with which a device is let in."""
    asked: list[str] = []

    def note(_connection, _cursor, statement, *_):
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield asked
    event.remove(Engine, "before_cursor_execute", note)


async def test_a_deployment_names_what_to_install_and_where_it_is(update, state_of):
    answer = (await update.target.get(f"/deploymentBase/{update.action}?c=1")).json()
    here = f"http://muster.test{update.target.path}/softwaremodules/{update.firmware.id}/artifacts/edge.bin"
    assert answer == {
        "id": str(update.action),
        "deployment": {
            "download": "forced",
            "update": "forced",
            "chunks": [
                {
                    "part": "os",
                    "version": "2.0",
                    "name": "edge",
                    "artifacts": [
                        {
                            "filename": "edge.bin",
                            "hashes": {
                                "sha1": sha1(IMAGE).hexdigest(),  # noqa: S324
                                "md5": md5(IMAGE).hexdigest(),  # noqa: S324
                                "sha256": sha256(IMAGE).hexdigest(),
                            },
                            "size": len(IMAGE),
                            "_links": {"download-http": {"href": here}, "md5sum-http": {"href": f"{here}.MD5SUM"}},
                        }
                    ],
                }
            ],
        },
    }
    assert await state_of(update) == "acknowledged"


async def test_the_apps_of_a_bundle_are_the_chunks_in_their_order(add_devices, connect, credentials, target, state_of):
    await add_devices("pump-1")
    operator = connect(credentials.person("updates:read", "updates:write", "updates:approve"))
    ids = []
    for name in ("base", "app"):
        files = {"file": (f"{name} [1].bin", name.encode())}
        uploaded = await operator.post("/api/v2/firmware", data={"name": name, "version": "2"}, files=files)
        ids.append(uploaded.json()["id"])
        await operator.post(f"/api/v2/firmware/{ids[-1]}/approve")
    await operator.post("/api/v2/updates", json={"device_uid": "pump-1", "firmware_ids": ids})
    speaking = target()
    found = (await speaking.get((await speaking.links())["deploymentBase"])).json()
    chunks = found["deployment"]["chunks"]
    assert [(chunk["part"], chunk["name"]) for chunk in chunks] == [("bApp", "base"), ("bApp", "app")]
    for chunk in chunks:
        href = chunk["artifacts"][0]["_links"]["download-http"]["href"]
        assert (await speaking.http.get(href)).text == chunk["name"]


async def test_behind_a_gateway_that_speaks_tls_the_links_do_so_too(update):
    update.target.http.base_url = "https://muster.test"
    found = (await update.target.get(f"/deploymentBase/{update.action}")).json()
    [chunk] = found["deployment"]["chunks"]
    assert set(chunk["artifacts"][0]["_links"]) == {"download", "md5sum"}


async def test_what_a_client_does_ends_in_a_completed_session(update, state_of, sql):
    say, action = update.target.say, update.action
    await update.target.get(f"/deploymentBase/{action}")
    assert (await say(action, "download", result={"progress": {"cnt": 0, "of": 0}})).status_code == 200
    assert await state_of(update) == "downloading"
    for percent in range(0, 100, 5):
        answer = await say(action, "proceeding", details=[f"{percent} percent"], result={"progress": {"cnt": percent}})
        assert (answer.status_code, answer.content) == (200, b"")
    assert (await say(action, "downloaded")).status_code == 200
    assert await state_of(update) == "downloading"
    assert (await say(action, "closed", "success")).status_code == 200
    assert await state_of(update) == "completed"
    types = [row["type"] for row in await sql.fetch("select type from outbox order by id")]
    assert types[-2:] == ["update_session.flashed.v1", "update_session.completed.v1"]


@pytest.mark.parametrize(
    ("execution", "finished", "becomes"),
    [
        ("closed", "success", "completed"),
        ("closed", "none", "completed"),
        ("closed", "failure", "failed"),
        ("canceled", "none", "cancelled"),
        ("download", "none", "downloading"),
        ("downloaded", "none", "downloading"),
        ("proceeding", "failure", "acknowledged"),
        ("scheduled", "none", "acknowledged"),
        ("resumed", "none", "acknowledged"),
        ("rejected", "none", "acknowledged"),
    ],
)
async def test_every_execution_has_its_meaning(update, state_of, execution, finished, becomes):
    assert (await update.target.say(update.action, execution, finished)).status_code == 200
    assert await state_of(update) == becomes


async def test_what_a_client_says_costs_few_statements_whatever_it_passes_through(update, state_of, statements):
    await update.target.get(f"/deploymentBase/{update.action}?c=1")
    for said, most in [(("proceeding",), 1), (("closed", "success"), 6)]:
        statements.clear()
        await update.target.say(update.action, *said)
        assert len(statements) <= most, "\n".join(statements)
    assert await state_of(update) == "completed"


async def test_a_failure_keeps_what_the_client_says_of_it(update, person):
    await update.target.say(update.action, "closed", "failure", details=["no space left", "giving up"])
    session = (await person.get(f"/api/v2/updates/{update.id}")).json()
    assert (session["state"], session["error"]) == ("failed", "no space left; giving up")


async def test_an_action_that_has_ended_is_gone_and_the_report_is_kept(update, sql):
    await update.target.say(update.action, "closed", "success")
    answer = await update.target.say(update.action, "closed", "failure")
    assert (answer.status_code, answer.json()["errorCode"]) == (410, "muster.action_gone")
    assert await sql.fetchval("select count(*) from ddi_feedbacks") == 2
    assert (await update.target.get(f"/deploymentBase/{update.action}")).status_code == 404


async def test_what_was_installed_last_stays_readable_and_attributes_are_wanted_anew(update):
    await update.target.put({"serial": "17"})
    assert (await update.target.get(f"/installedBase/{update.action}")).status_code == 404
    assert set(await update.target.links()) == {"deploymentBase"}
    await update.target.say(update.action, "closed", "success")
    links = await update.target.links()
    assert links == {"installedBase": f"/installedBase/{update.action}", "configData": "/configData"}
    found = (await update.target.get(links["installedBase"])).json()
    assert found["deployment"]["chunks"][0]["version"] == "2.0"


async def test_the_history_is_told_when_it_is_asked_for(update):
    path = f"/deploymentBase/{update.action}"
    await update.target.say(update.action, "proceeding", details=["one", "two"])
    await update.target.say(update.action, "proceeding", details=["three"])
    assert "actionHistory" not in (await update.target.get(path)).json()
    found = (await update.target.get(f"{path}?actionHistory=-1")).json()["actionHistory"]
    assert found == {"status": "RETRIEVED", "messages": ["three", "two", "one"]}
    assert (await update.target.get(f"{path}?actionHistory=1")).json()["actionHistory"]["messages"] == ["three"]
    assert "actionHistory" not in (await update.target.get(f"{path}?actionHistory=many")).json()


async def test_long_logs_are_cut_and_not_refused(update, sql):
    lines = [f"{number} " + "x" * 1_000 for number in range(500)]
    assert (await update.target.say(update.action, "proceeding", details=lines)).status_code == 200
    kept = await sql.fetchval("select details from ddi_feedbacks")
    assert (len(kept), kept[-1][:4], len(kept[-1])) == (64, "499 ", 256)


async def test_an_action_takes_a_thousand_reports(update, sql):
    await sql.execute(
        "insert into ddi_feedbacks (session_id, position, organization_id, execution, finished, details, by) "
        "select $1, n, 1, 'proceeding', 'none', '{}', 'device' from generate_series(1, 999) n",
        update.id,
    )
    assert (await update.target.say(update.action, "proceeding")).status_code == 200
    answer = await update.target.say(update.action, "proceeding")
    assert (answer.status_code, answer.json()["errorCode"]) == (429, "muster.too_many_reports")


async def test_there_is_no_other_action(update):
    for action in ("0", "999999999", "9" * 26, "-1", "x", "1.5", "%00", "٣"):
        assert (await update.target.get(f"/deploymentBase/{action}")).status_code == 404
        assert (await update.target.say(action, "proceeding")).status_code == 404


async def test_another_device_does_not_see_the_action(update, target, state_of):
    other = target("pump-2")
    assert (await other.get(f"/deploymentBase/{update.action}")).status_code == 404
    assert (await other.say(update.action, "closed", "failure")).status_code == 404
    assert (await other.get(f"/softwaremodules/{update.firmware.id}/artifacts/edge.bin")).status_code == 404
    assert await state_of(update) == "initiated"


async def test_a_gateway_closes_an_update_in_the_devices_name(update, target, credentials, person):
    gateway = target(authorization=f"GatewayToken {credentials.gateway(gateway='9')}")
    await gateway.say(update.action, "closed", "success")
    reports = (await person.get(f"/api/v2/updates/{update.id}")).json()["reports"]
    assert reports[-1]["by"] == "gateway 9"


BAD_BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff",
    b'{"status": 7}',
    b'{"status": {"execution": "closed"}}',
    b'{"status": {"result": {"finished": "success"}}}',
    b'{"status": {"execution": "closed", "result": {}}}',
    b'{"status": {"execution": "done", "result": {"finished": "success"}}}',
    b'{"status": {"execution": "closed", "result": {"finished": "maybe"}}}',
    b'{"status": {"execution": "closed", "result": {"finished": "success"}, "details": "text"}}',
    b"[" * 100_000,
]


async def test_an_unreadable_report_is_refused_whole(update, state_of):
    path, kind = f"{update.target.path}/deploymentBase/{update.action}/feedback", {"Content-Type": "application/json"}
    for body in BAD_BODIES:
        answer = await update.target.http.post(path, content=body, headers=kind)
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "muster.unreadable_body"), body
    assert await state_of(update) == "initiated"


async def test_a_report_is_json(update):
    path = f"{update.target.path}/deploymentBase/{update.action}/feedback"
    body = json.dumps({"status": {"execution": "proceeding", "result": {"finished": "none"}}})
    for content_type, status in {"text/plain": 415, "": 415, "application/hal+json": 200}.items():
        answer = await update.target.http.post(path, content=body, headers={"Content-Type": content_type})
        assert answer.status_code == status


async def test_clients_count_in_all_sorts_of_ways(update):
    for progress in ({}, {"percentage": 5}, {"cnt": 5, "of": 0}, {"cnt": -1, "of": "x"}, 5, None):
        answer = await update.target.say(update.action, "proceeding", result={"progress": progress})
        assert answer.status_code == 200
