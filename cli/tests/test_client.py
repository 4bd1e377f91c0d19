"""The typed client against a platform over HTTP: signing in, pages, refusals."""

import asyncio

import pytest

from muster_cli.client import MusterClient
from muster_cli.client.devices import NewDevice
from muster_cli.errors import BadUsage, Refused, Unreachable
from muster_cli.sign_in import PasswordSignIn

EMAIL, PASSWORD = "admin@muster.example", "correct horse"


def opened(platform, *, password=PASSWORD):
    return MusterClient.open(platform.server, PasswordSignIn(platform.server, EMAIL, password))


async def test_many_calls_at_once_sign_in_once(platform):
    async with opened(platform) as client:
        await asyncio.gather(*[client.register(NewDevice(device_uid=f"d{n}")) for n in range(20)])
    assert platform.calls.count("POST auth/login") == 1
    assert len(platform.devices) == 20


async def test_only_what_was_given_is_sent(platform):
    async with opened(platform) as client:
        await client.register(NewDevice(device_uid="d1", name="One"))
    assert set(platform.devices["d1"]) == {
        *("device_uid", "name"),
        *("id", "lifecycle", "status", "version", "registered_at", "updated_at"),
    }


async def test_a_refused_access_token_is_renewed_and_the_call_repeated(platform):
    async with opened(platform) as client:
        await client.register(NewDevice(device_uid="d1"))
        platform.access_tokens.clear()
        assert (await client.device("d1")).device_uid == "d1"
    assert platform.calls.count("POST auth/refresh") == 1
    assert platform.calls.count("POST auth/login") == 1


async def test_a_refused_refresh_token_leads_to_a_new_sign_in(platform):
    async with opened(platform) as client:
        await client.register(NewDevice(device_uid="d1"))
        platform.access_tokens.clear()
        platform.refresh_tokens.clear()
        await client.device("d1")
    assert platform.calls.count("POST auth/login") == 2


async def test_a_token_about_to_end_is_renewed_before_it_is_refused(platform):
    platform.expires_in = 0
    async with opened(platform) as client:
        await client.register(NewDevice(device_uid="d1"))
        await client.device("d1")
    assert platform.calls.count("POST auth/refresh") == 1
    assert platform.calls.count("GET devices") == 1


async def test_a_wrong_password_is_one_line_that_names_the_settings(platform):
    async with opened(platform, password="wrong") as client:
        with pytest.raises(Refused) as refused:
            await client.device("d1")
    assert str(refused.value) == (
        "wrong e-mail address or password (bad_credentials);"
        " check --email and --password (MUSTER_ADMIN_EMAIL, MUSTER_ADMIN_PASSWORD)"
    )


async def test_devices_are_read_page_by_page_up_to_the_limit(platform):
    platform.page_size = 2
    async with opened(platform) as client:
        for number in range(5):
            await client.register(NewDevice(device_uid=f"d{number}"))
        assert [device.device_uid async for device in client.devices()] == ["d0", "d1", "d2", "d3", "d4"]
        assert [device.device_uid async for device in client.devices(limit=3)] == ["d0", "d1", "d2"]


async def test_a_device_that_is_not_there_leads_to_the_list(platform):
    async with opened(platform) as client:
        with pytest.raises(Refused, match=r"there is no device x/y \(device_not_found\); `muster devices list` shows"):
            await client.device("x/y")


async def test_a_body_of_the_wrong_shape_is_told_by_its_first_place(platform):
    async with opened(platform) as client:
        with pytest.raises(Refused, match=r"^device_uid: a uid has no spaces \(validation_failed\)$"):
            await client.register(NewDevice(device_uid="a b"))


async def test_a_platform_that_is_not_ready_may_be_tried_again(platform):
    platform.unavailable = 1
    async with opened(platform) as client:
        with pytest.raises(Unreachable, match=r"the store is away \(service_unavailable\); try again"):
            await client.device("d1")


async def test_a_server_that_is_not_there_is_named():
    async with MusterClient.open("http://127.0.0.1:9", PasswordSignIn("http://127.0.0.1:9", EMAIL, PASSWORD)) as client:
        with pytest.raises(Unreachable, match=r"nothing answers at http://127\.0\.0\.1:9; start it with `make up`"):
            await client.device("d1")


@pytest.mark.parametrize("value", [float("nan"), "\udcff"], ids=["no number", "no text"])
async def test_what_no_json_can_say_is_not_sent(platform, value):
    async with opened(platform) as client:
        with pytest.raises(BadUsage, match="cannot be sent"):
            await client.register(NewDevice(attributes={"speed": value}))
