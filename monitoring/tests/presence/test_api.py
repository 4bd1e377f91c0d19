"""Presence over REST."""


async def test_every_device_is_listed_and_can_be_asked_for(reader, register):
    await register("pump-1", "pump-2")
    answer = await reader.get("/api/v2/presence", params={"limit": 1})
    assert answer.json()["items"] == [
        {"device_uid": "pump-1", "online": False, "connected": False, "since": None, "version": 0}
    ]
    following = await reader.get(answer.links["next"]["url"])
    assert [one["device_uid"] for one in following.json()["items"]] == ["pump-2"]
    assert (await reader.get("/api/v2/presence", params={"online": "true"})).json() == {"items": [], "next": None}
    assert (await reader.get("/api/v2/presence", params={"online": "perhaps"})).status_code == 422
