"""Clients of hawkBit's protocol at the gateway: a device with its own token, and one that a gateway brings."""

from uuid import uuid4

import httpx
import pytest

from shared.testing import eventually


@pytest.fixture
async def ask(stack):
    """Asks below the organization's slug, with an authorization of its own."""
    async with httpx.AsyncClient(base_url=stack.info["gateway"], timeout=60) as client:

        async def send(uid: str, authorization: str, path: str = "", *, method: str = "GET", **options):
            headers = {"Authorization": authorization}
            return await client.request(
                method, f"/muster/controller/v1/{uid}{path}", headers=headers, follow_redirects=False, **options
            )

        yield send


@pytest.fixture
def uid() -> str:
    return f"ddi-{uuid4().hex[:10]}"


async def test_a_device_is_let_in_by_its_slug_and_token_and_what_it_says_of_itself_arrives(people, ask, uid):
    (await people.post("/api/v2/devices", json={"device_uid": uid})).raise_for_status()
    token = (await people.post(f"/api/v2/devices/{uid}/token")).raise_for_status().json()["token"]

    async def let_in() -> bool:
        return (await ask(uid, f"TargetToken {token}")).status_code == 200

    await eventually(let_in)
    put = await ask(uid, f"TargetToken {token}", "/configData", method="PUT", json={"data": {"hw": "r1"}})
    assert put.status_code == 200

    async def arrived() -> bool:
        device = (await people.get(f"/api/v2/devices/{uid}")).json()
        return device["reported_attributes"] == {"hw": "r1"}

    await eventually(arrived)
    assert (await ask(uid, "TargetToken wrong")).status_code == 401


async def test_a_gateway_registers_a_device_and_updates_it(people, image, ask, uid):
    gateway = (await people.post("/api/v2/gateways", json={"name": uid})).raise_for_status().json()
    authorization = f"GatewayToken {gateway['token']}"

    async def known() -> bool:
        answer = await ask(uid, authorization)
        return answer.status_code == 200 and "_links" in answer.json()

    await eventually(known, interval=0.2)
    assert (await people.get(f"/api/v2/devices/{uid}")).json()["lifecycle"] == "deployed"
    firmware = await image("2.0")
    body = {"device_uid": uid, "firmware_id": firmware["id"]}
    (await people.post("/api/v2/updates", json=body)).raise_for_status()
    here = (await ask(uid, authorization)).json()["_links"]["deploymentBase"]["href"]
    path = here.split(uid, 1)[1]
    [chunk] = (await ask(uid, authorization, path)).json()["deployment"]["chunks"]
    link = chunk["artifacts"][0]["_links"]["download-http"]["href"].split(uid, 1)[1]
    assert (await ask(uid, authorization, link)).status_code == 200
    said = {"status": {"execution": "closed", "result": {"finished": "success"}}}
    closed = await ask(uid, authorization, f"{path.partition('?')[0]}/feedback", method="POST", json=said)
    assert closed.status_code == 200

    async def runs_it() -> bool:
        return (await people.get(f"/api/v2/devices/{uid}")).json()["firmware_version"] == "2.0"

    await eventually(runs_it)
