import json
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs] - asyncpg ships no types
import httpx
import pytest
from fastapi import FastAPI

from device_management.audit.schemas import SYSTEM, Actor, AuditEntryRead, Change
from device_management.audit.service import AuditService
from device_management.audit.states import ActorKind
from shared.observability.correlation import Trace, correlated
from shared.testing import Credentials

SOMEBODY = Actor(ActorKind.USER, "7", "ann@fleet.example")

Record = Callable[..., Awaitable[None]]
Entries = Callable[..., Awaitable[list[AuditEntryRead]]]


@pytest.fixture
def record(app: FastAPI) -> Record:
    async def record(organization_id: int, who: Actor, *changes: Change) -> None:
        async with app.state.scopes() as scope:
            await scope.get(AuditService).record(organization_id, who, changes)

    return record


@pytest.fixture
def entries(app: FastAPI) -> Entries:
    async def entries(organization_id: int, **filters: Any) -> list[AuditEntryRead]:
        async with app.state.scopes() as scope:
            return (await scope.get(AuditService).page(organization_id, cursor=None, limit=100, **filters)).items

    return entries


async def test_a_change_is_read_with_who_what_before_after_and_its_cause(
    record: Record, entries: Entries, organizations: Any
):
    with correlated(Trace("cause-1")):
        await record(organizations.own, SOMEBODY, Change("device", "1", "edited", {"name": "a"}, {"name": "b"}))
    (entry,) = await entries(organizations.own, kind="device", subject_id="1")
    assert (entry.actor.kind, entry.actor.id, entry.actor.name) == ("user", "7", "ann@fleet.example")
    assert (entry.action, entry.before, entry.after) == ("edited", {"name": "a"}, {"name": "b"})
    assert entry.correlation_id == "cause-1"


async def test_ten_thousand_changes_are_one_statement_in_order(record: Record, sql: Any, organizations: Any):
    changes = [Change("device", str(number), "registered", after={"n": number}) for number in range(10_000)]
    await record(organizations.own, SYSTEM, *changes)
    rows = await sql.fetch("select subject_id from audit_entries order by id")
    assert [int(row["subject_id"]) for row in rows] == list(range(10_000))


async def test_what_begins_by_the_thousand_is_told_as_one_that_begins_alone(
    app: FastAPI, record: Record, entries: Entries, organizations: Any
):
    state: dict[str, Any] = {"name": "a", "attributes": {"wifi_password": "x", "n": 1}, "tags": []}
    await record(organizations.own, SOMEBODY, Change("device", "1", "registered", after=state))
    async with app.state.scopes() as scope:
        audit = scope.get(AuditService)
        begun = [(str(number), json.dumps(audit.blanked(state)).encode()) for number in range(2, 1_002)]
        await audit.record_begun(organizations.own, SOMEBODY, "device", "registered", begun)
    last = (await entries(organizations.own))[0]
    (alone,) = await entries(organizations.own, subject_id="1")
    assert last.subject_id == "1001"
    assert last.after == {"name": "a", "attributes": {"wifi_password": "***", "n": 1}, "tags": []}
    own = {"id", "at", "subject_id"}
    assert last.model_dump(exclude=own) == alone.model_dump(exclude=own)
    assert last.at > alone.at


async def test_a_change_of_nothing_leaves_no_entry(record: Record, entries: Entries, organizations: Any):
    await record(organizations.own, SYSTEM, Change("device", "1", "edited", {"name": "a"}, {"name": "a"}))
    assert await entries(organizations.own) == []


async def test_another_organization_reads_nothing_of_it(record: Record, entries: Entries, organizations: Any):
    await record(organizations.own, SYSTEM, Change("device", "1", "deployed", after={}))
    assert await entries(organizations.other, kind="device", subject_id="1") == []


@pytest.mark.parametrize("statement", ["update audit_entries set action = 'x'", "delete from audit_entries"])
async def test_an_entry_is_neither_changed_nor_deleted(record: Record, sql: Any, organizations: Any, statement: str):
    await record(organizations.own, SYSTEM, Change("device", "1", "deployed", after={}))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await sql.execute(statement)


async def test_the_log_is_paged_newest_first_for_administrators_alone(
    record: Record, anyone: httpx.AsyncClient, admin: httpx.AsyncClient, credentials: Credentials, organizations: Any
):
    await record(organizations.own, SYSTEM, *(Change("device", str(n), "deployed", after={}) for n in range(5)))
    assert (await admin.get("/api/v2/audit")).status_code == 403
    token = credentials.person("organization:admin", organization_id=organizations.own)
    headers = {"Authorization": f"Bearer {token}"}
    first = (await anyone.get("/api/v2/audit?limit=3", headers=headers)).json()
    second = (await anyone.get(f"/api/v2/audit?limit=3&cursor={first['next']}", headers=headers)).json()
    assert [entry["subject_id"] for entry in first["items"] + second["items"]] == ["4", "3", "2", "1", "0"]
    for bad in ("subject_kind=%00", "subject_id=%00", "cursor=x"):
        assert (await anyone.get(f"/api/v2/audit?{bad}", headers=headers)).status_code in {400, 422}
