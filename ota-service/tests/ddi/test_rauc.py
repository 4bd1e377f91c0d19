"""The client `rauc-hawkbit` updates here, with a stand-in for RAUC itself (see `rauc`)."""

import asyncio
import importlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import pytest

from shared.testing import eventually

from .rauc import Bus, Installer, modules
from .serving import Flaky, served

BUNDLE = bytes(range(256)) * 4_096


@pytest.fixture
def installer(monkeypatch) -> Installer:
    bus = Bus()
    made = Installer(bus)
    for name in [name for name in sys.modules if name.partition(".")[0] in {"gi", "rauc_hawkbit"}]:
        monkeypatch.delitem(sys.modules, name)
    for name, module in modules(bus, made).items():
        monkeypatch.setitem(sys.modules, name, module)
    return made


@pytest.fixture
async def offered(offer):
    return await offer(BUNDLE, "bundle.raucb")


@pytest.fixture
def client(installer, credentials, tmp_path):
    """Polls until the block ends; it waits a tenth of a second after a failure."""

    @asynccontextmanager
    async def polling(url: str, *, token: str | None = None) -> AsyncIterator[asyncio.Task[None]]:
        package = importlib.import_module("rauc_hawkbit.rauc_dbus_ddi_client")
        async with aiohttp.ClientSession() as session:
            client = package.RaucDBUSDDIClient(
                session,
                urlsplit(url).netloc,
                False,
                "acme",
                "pump-1",
                token or credentials.device("pump-1"),
                {"MAC": "00:11:22:33:44:55"},
                str(tmp_path / "bundle.raucb"),
                lambda _result: None,
            )
            task = asyncio.create_task(client.start_polling(wait_on_error=0.1))
            try:
                yield task
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                client.cleanup_dbus()

    return polling


@pytest.fixture
async def url(app) -> AsyncIterator[str]:
    async with served(app) as url:
        yield url


async def test_rauc_hawkbit_updates(offered, client, url, installer, becomes, sql):
    async with client(url):
        await becomes(offered, "completed")
    assert installer.installed == BUNDLE
    reports = await sql.fetch("select execution, finished, details from ddi_feedbacks order by position")
    assert [tuple(row) for row in reports[-2:]] == [
        ("proceeding", "none", ["copying: 100"]),
        ("closed", "success", ["Rauc bundle update completed with result: 0"]),
    ]
    assert await sql.fetchval("select attributes->>'MAC' from ddi_targets") == "00:11:22:33:44:55"


async def test_rauc_hawkbit_says_that_it_failed(offered, client, url, installer, becomes, sql):
    installer.result = 1
    async with client(url):
        await becomes(offered, "failed")
    rows = await sql.fetch("select details from ddi_feedbacks where finished = 'failure' order by position")
    assert rows[0]["details"] == ["signature verification failed"]


async def test_rauc_hawkbit_begins_again_when_its_connection_was_cut(offered, client, app, installer, becomes):
    flaky = Flaky(app, len(BUNDLE) // 2)
    async with served(flaky) as url, client(url):
        await becomes(offered, "completed")
    assert flaky.ranges == [None, None]
    assert installer.installed == BUNDLE


async def test_rauc_hawkbit_does_not_stop_and_the_update_goes_on(
    offered, client, url, target, person, becomes, installer, sql
):
    await target().get(f"/deploymentBase/{offered.action}")
    assert (await person.post(f"/api/v2/updates/{offered.id}/cancel")).json()["state"] == "cancelling"
    async with client(url):
        await becomes(offered, "acknowledged")
    said = await sql.fetchrow("select execution, details from ddi_feedbacks")
    assert tuple(said) == ("rejected", ["Cancelling not supported"])
    assert "deploymentBase" in await target().links()
    assert installer.installed is None


async def test_rauc_hawkbit_gets_nothing_with_a_wrong_token(offered, client, url, caplog, credentials, state_of):
    async with client(url, token=credentials.device("pump-2")):
        await eventually(lambda: "401" in caplog.text)
    assert await state_of(offered) == "initiated"
