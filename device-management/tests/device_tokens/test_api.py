"""Tokens issued and revoked."""

import json

from shared.tokens import Audience


async def register(client, **body):
    return await client.post("/api/v2/devices", json=body)


class TestTokens:
    async def test_a_token_names_the_device_its_organization_and_its_generation(
        self, admin, credentials, organizations
    ):
        await register(admin, device_uid="pump-1")
        answer = await admin.post("/api/v2/devices/pump-1/token")
        assert answer.status_code == 201
        claims = credentials.keys.verify(answer.json()["token"], Audience.DEVICE)
        assert (claims.subject, claims.organization_id, claims.generation) == ("pump-1", organizations.own, 1)

    async def test_revoking_raises_the_generation_and_tells_everybody(self, admin, sql, credentials):
        await register(admin, device_uid="pump-1")
        assert (await admin.delete("/api/v2/devices/pump-1/token")).status_code == 204
        events = [json.loads(row["payload"]) for row in await sql.fetch("select payload from outbox order by id")]
        assert [event["type"] for event in events] == ["device.registered.v1", "device.token_revoked.v1"]
        assert (events[1]["data"]["version"], events[1]["data"]["min_token_generation"]) == (2, 2)
        token = (await admin.post("/api/v2/devices/pump-1/token")).json()["token"]
        assert credentials.keys.verify(token, Audience.DEVICE).generation == 2

    async def test_a_retired_device_gets_no_token(self, admin, sql):
        await register(admin, device_uid="pump-1")
        await sql.execute("update devices set lifecycle = 'retired'")
        answer = await admin.post("/api/v2/devices/pump-1/token")
        assert (answer.status_code, answer.json()["code"]) == (409, "device_retired")
