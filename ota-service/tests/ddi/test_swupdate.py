"""Debian's swupdate, as it is, updates here: from its first question to the report after its restart."""

from collections.abc import AsyncIterator

import pytest

from muster_stack.programs import SWUPDATE, locate
from shared.testing import eventually

from .serving import Flaky, Stalling, served
from .swupdate import Signer, running

pytestmark = [
    pytest.mark.skipif(locate(SWUPDATE) is None, reason="swupdate is not installed"),
    pytest.mark.timeout(300),
]

PAYLOAD = bytes(range(256)) * 4_096


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture
def flaky(app) -> Flaky:
    return Flaky(app, len(PAYLOAD) // 2)


@pytest.fixture
async def url(app) -> AsyncIterator[str]:
    async with served(app) as url:
        yield url


@pytest.fixture
async def flaky_url(flaky) -> AsyncIterator[str]:
    async with served(flaky) as url:
        yield url


@pytest.fixture
def called(credentials):
    """How the client is called for pump-1."""

    def arguments(url: str, *more: str, token: str | None = None) -> list[str]:
        return ["-t", "acme", "-u", url, "-i", "pump-1", "-k", token or credentials.device("pump-1"), "-w", "1", *more]

    return arguments


@pytest.fixture
async def offered(offer, signer, tmp_path):
    """An update of pump-1 with an image that swupdate installs into a file."""
    return await offer(signer.image(PAYLOAD, tmp_path / "installed"), "image.swu")


@pytest.fixture
def begin(target):
    """Lets the client say what it is, and then has it ask for updates at once."""

    async def identified() -> bool:
        return "configData" not in await target().links()

    async def ask(client) -> None:
        await eventually(identified)
        await client.ask_now()

    return ask


async def test_swupdate_updates_and_closes_after_its_restart(
    offered, url, called, signer, tmp_path, begin, becomes, state_of
):
    async with running(tmp_path, signer, *called(url)) as client:
        await begin(client)
        await eventually(lambda: client.said("Update successful"))
    assert await state_of(offered) == "downloading"
    assert (tmp_path / "installed").read_bytes() == PAYLOAD
    async with running(tmp_path, signer, *called(url, "-c", "2")):
        await becomes(offered, "completed")


async def test_swupdate_goes_on_where_its_connection_was_cut(
    offered, flaky, flaky_url, called, signer, tmp_path, begin
):
    async with running(tmp_path, signer, *called(flaky_url)) as client:
        await begin(client)
        await eventually(lambda: client.said("Update successful"))
    assert flaky.ranges[0] is None
    assert flaky.ranges[1] is not None
    assert not flaky.ranges[1].startswith("bytes=0-")
    assert (tmp_path / "installed").read_bytes() == PAYLOAD


async def test_swupdate_that_lost_its_power_in_a_download_stops_where_the_update_was_cancelled_meanwhile(
    offered, app, called, signer, tmp_path, begin, becomes, person
):
    stalling = Stalling(app, len(PAYLOAD) // 2)
    async with served(stalling) as url:
        async with running(tmp_path, signer, *called(url)) as client:
            await begin(client)
            await eventually(lambda: stalling.stands)
            client.lose_power()
        stalling.over.set()
        assert (await person.post(f"/api/v2/updates/{offered.id}/cancel")).json()["state"] == "cancelling"
        async with running(tmp_path, signer, *called(url)):
            await becomes(offered, "cancelled")
    reports = (await person.get(f"/api/v2/updates/{offered.id}")).json()["reports"]
    assert (reports[-1]["by"], reports[-1]["reported"]) == ("device", "cancelled")
    assert not (tmp_path / "installed").exists()


async def test_swupdate_says_why_it_refuses_an_image_of_another_signer(
    offer, url, called, signer, tmp_path, begin, becomes, person
):
    update = await offer(Signer().image(PAYLOAD, tmp_path / "installed"), "image.swu")
    async with running(tmp_path, signer, *called(url)) as client:
        await begin(client)
        await becomes(update, "failed")
    error = (await person.get(f"/api/v2/updates/{update.id}")).json()["error"]
    assert "ERROR" in error or "No suitable .swu image found" in error
    assert not (tmp_path / "installed").exists()


async def test_swupdate_gets_nothing_with_a_wrong_token(offered, url, called, signer, tmp_path, credentials, state_of):
    async with running(tmp_path, signer, *called(url, token=credentials.device("pump-2"))) as client:
        await eventually(lambda: client.said("401"))
    assert await state_of(offered) == "initiated"
