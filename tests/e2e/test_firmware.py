"""An image through the gateway: larger than other bodies may be, resumed after a cut, signed for by a public key."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator

import httpx
import pytest

from muster_stack.stack import Stack

IMAGE = os.urandom(5 * 1024 * 1024 + 17)


@pytest.fixture
async def operator(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """The first administrator, at the gateway."""
    admin = stack.info["admin"]
    async with httpx.AsyncClient(base_url=f"{stack.info['gateway']}/api/v2", timeout=60) as client:
        form = {"username": admin["email"], "password": admin["password"]}
        token = (await client.post("/auth/login", data=form)).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


async def test_an_image_is_uploaded_approved_and_downloaded_in_parts(operator: httpx.AsyncClient):
    fields = {"name": "gateway", "version": "1.0", "sha256": hashlib.sha256(IMAGE).hexdigest()}
    uploaded = await operator.post("/firmware", data=fields, files={"file": ("image.bin", IMAGE)})
    assert uploaded.status_code in {200, 201}, uploaded.text
    url = f"/firmware/{uploaded.json()['id']}"
    assert (await operator.post(f"{url}/approve")).json()["state"] == "approved"
    begun = await operator.get(f"{url}/file", headers={"Range": "bytes=0-1999999"})
    rest = await operator.get(f"{url}/file", headers={"Range": "bytes=2000000-", "If-Range": begun.headers["etag"]})
    assert (begun.status_code, rest.status_code) == (206, 206)
    assert begun.content + rest.content == IMAGE


async def test_a_stranger_is_refused_at_the_gateway_while_the_image_is_still_to_come(stack: Stack):
    host, port = stack.info["gateway"].removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /api/v2/firmware HTTP/1.1\r\nHost: muster.test\r\nContent-Length: 1000000000\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
    )
    assert (await asyncio.wait_for(reader.readline(), 60)).startswith(b"HTTP/1.1 401 ")
    writer.close()


async def test_the_keys_that_sign_manifests_are_there_for_everybody(stack: Stack):
    async with httpx.AsyncClient(base_url=stack.info["gateway"], timeout=60) as anyone:
        answer = await anyone.get("/api/v2/firmware/keys")
    assert [key["crv"] for key in answer.json()["keys"]] == ["Ed25519"]
