"""What must hold of every session whatever happened to it, read from the database and the events in the outbox."""

import json
from collections import defaultdict
from itertools import pairwise

import asyncpg

from ota_service.sessions.states import FINAL, OPEN, may_become


async def check(sql: asyncpg.Connection) -> None:
    """The history tells how each session became what it is; each version of it was told once; a device has one open."""
    told = defaultdict(list)
    for row in await sql.fetch("select payload from outbox where type like 'update_session.%' order by id"):
        data = json.loads(row["payload"])["data"]
        told[data["session_id"]].append((data["version"], data["state"]))
    open_devices = []
    for session in await sql.fetch("select * from update_sessions"):
        chain = await sql.fetch(
            "select reported, state_before from session_reports where session_id = $1 and accepted order by id",
            session["id"],
        )
        states = [step["reported"] for step in chain]
        assert [step["state_before"] for step in chain] == [None, *states[:-1]], "the history has a gap"
        assert states[-1] == session["state"], "the history ends elsewhere"
        assert len(states) == session["version"], "a change without a report, or a report without its change"
        for before, after in pairwise(states):
            assert may_become(before, after) or before == after in {"downloading", "flashed"}, (
                f"{before} became {after}"
            )
        versions = list(enumerate(states, start=1))
        assert told[str(session["id"])] == versions, "the events are not the history"
        assert (session["deadline"] is None) == (session["state"] in FINAL)
        open_devices += [session["device_uid"]] if session["state"] in OPEN else []
    assert len(open_devices) == len(set(open_devices)), "a device has two open sessions"
