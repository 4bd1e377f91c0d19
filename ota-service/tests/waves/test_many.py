"""Releases that wait for their devices make no other one wait for its turn."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI

from ota_service.batch_runs.jobs import BatchSteps
from ota_service.releases.service import ReleaseService
from ota_service.waves.jobs import ReleaseSteps

Do = Callable[..., Awaitable[Any]]
IDLE = [f"idle-{number}" for number in range(50)]


@pytest.fixture
async def releases(firmware: int, add_devices: Do, draw_up: Do, act: Do, steps: Do) -> None:
    """Fifty whose only device has been asked and says nothing, and one more of the kind."""
    for name in (*IDLE, "last"):
        await add_devices(f"d-{name}")
        await draw_up(100, slug=name, clusters=[{"slug": f"c-{name}", "rql": f'eq(device_uid,"d-{name}")'}])
        await act("start", name=name)
    await steps()


@pytest.mark.usefixtures("releases")
async def test_one_look_passes_over_those_with_nothing_to_do_and_serves_the_one_behind_them(
    app: FastAPI, sql: Any, device: Callable[[str], Any], open_sessions: Do, look: Do, monkeypatch: pytest.MonkeyPatch
):
    seen: list[int] = []
    trees = ReleaseService.trees

    async def counted(self: ReleaseService, releases: Any) -> Any:
        seen.append(len(releases))
        return await trees(self, releases)

    session = (await open_sessions())["d-last"]
    for verb in ("ack", "downloading", "flashed", "complete"):
        assert (await device("d-last").say(session, verb)).status_code == 200
    await BatchSteps(app.state.scopes)()
    await sql.execute("update releases set stepped_at = now() - interval '1 minute' + id * interval '1 ms'")
    monkeypatch.setattr(ReleaseService, "trees", counted)
    async with sql.transaction():
        await sql.execute("select 1 from releases where slug = $1 for update", IDLE[25])
        await ReleaseSteps(app.state.scopes)()
    assert (await look("last"))["state"] == "completed"
    assert seen[:2] == [1, len(IDLE)]
    left = await sql.fetch("select slug from releases where stepped_at < now() - interval '40 seconds'")
    assert [row["slug"] for row in left if row["slug"] != "last"] == [IDLE[25]]
    assert {(await look(name))["state"] for name in IDLE[::10]} == {"running"}
