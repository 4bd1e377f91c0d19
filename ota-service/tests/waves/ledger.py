"""What must hold of every release whatever happened to it, read from the database and the events in the outbox."""

import json
from itertools import pairwise
from typing import Any

import asyncpg

from ota_service.releases.states import ReleaseState, may_become


async def check(sql: asyncpg.Connection) -> None:
    """Each version was told once, each wave opened once and after the one before, and no device is in two places."""
    for release in await sql.fetch("select * from releases"):
        chain = await sql.fetch("select * from release_changes where release_id = $1 order by version", release["id"])
        versions = [change["version"] for change in chain]
        assert versions == list(range(1, release["version"] + 1)), "a change without its entry, or one twice"
        assert chain[-1]["state"] == release["state"], "the history ends elsewhere"
        for before, after in pairwise(ReleaseState(change["state"]) for change in chain):
            assert before == after or may_become(before, after), f"{before} became {after}"
        told = await sql.fetch(
            "select type, payload from outbox where subject = $1 order by id", f"release/{release['id']}"
        )
        assert [row["type"].split(".")[1] for row in told] == [change["what"] for change in chain]
        assert [json.loads(row["payload"])["data"]["version"] for row in told] == versions
        _check_waves([(change["what"], change["wave"]) for change in chain])
        gates = await sql.fetch(
            "select slug, failure_threshold, success_threshold from release_waves where release_id = $1", release["id"]
        )
        _check_gates(
            [(row["type"].split(".")[1], json.loads(row["payload"])["data"]) for row in told],
            {f"wave:{gate['slug']}": gate for gate in gates},
        )
    await _check_devices(sql)


def _check_waves(told: list[tuple[str, str | None]]) -> None:
    """Waves open and pass one after the other, and none opens while the release stands still."""
    opened: list[str | None] = []
    passed: list[str | None] = []
    running = False
    for what, wave in told:
        match what:
            case "started" | "resumed":
                running = True
            case "wave_opened":
                assert running, "a wave opened after the release had stopped"
                assert wave not in opened, "a wave opened twice"
                assert opened == passed, "a wave opened before the one before had passed"
                opened.append(wave)
            case "wave_completed":
                assert wave in opened
                assert wave not in passed, "a wave passed twice"
                passed.append(wave)
            case "canary_requested":
                assert running, "a wave was to be watched after the release had stopped"
                assert wave in opened
            case "created" | "approved" | "scheduled":
                pass
            case _:
                running = False


def _check_gates(told: list[tuple[str, dict[str, Any]]], gates: dict[str, asyncpg.Record]) -> None:
    """No wave passes short of its success threshold, and none opens once a failure threshold is reached.

    But for what somebody has let pass by going on.
    """
    let_pass = dict.fromkeys(gates, 0)
    for what, release in told:
        for wave in release["waves"]:
            name, against = wave["wave_id"], wave["failed"] + wave["cancelled"]
            if what == "resumed":
                let_pass[name] = max(let_pass[name], against)
            excused = min(let_pass[name], against)
            counted = wave["devices"] - wave["skipped"] - excused
            if what == "wave_opened":
                reached = (against - excused) * 100 >= gates[name]["failure_threshold"] * counted
                assert against == excused or not reached, "a wave opened after a gate had closed"
            if what == "wave_completed" and name == f"wave:{release['wave']}":
                met = wave["succeeded"] * 100 >= gates[name]["success_threshold"] * counted
                assert met, "a wave passed short of its success threshold"


async def _check_devices(sql: asyncpg.Connection) -> None:
    counts = "select c.devices, c.handed, count(d.*) as rows, count(d.handed_at) as given from release_clusters c "
    counts += "left join release_devices d on d.cluster_id = c.id group by c.id"
    for cluster in await sql.fetch(counts):
        assert (cluster["devices"], cluster["handed"]) == (cluster["rows"], cluster["given"])
    twice = "select batch_id from release_clusters where batch_id is not null group by 1 having count(*) > 1"
    assert await sql.fetch(twice) == [], "a batch carries out two clusters"
    open_twice = "select device_uid from update_sessions where deadline is not null group by 1 having count(*) > 1"
    assert await sql.fetch(open_twice) == [], "a device is in two sessions"
    unwatched = (
        "select 1 from release_waves w join release_canaries k on k.wave_id = w.id and k.stands "
        "where w.passed_at is not null and k.verdict is distinct from 'passed' and not k.waived"
    )
    assert await sql.fetch(unwatched) == [], "a wave passed without its canary"
    early = (
        "select 1 from batch_devices b join release_clusters c on c.batch_id = b.batch_id "
        "join release_waves w on w.id = c.wave_id where w.opened_at is null"
    )
    assert await sql.fetch(early) == [], "a device began before its wave"
