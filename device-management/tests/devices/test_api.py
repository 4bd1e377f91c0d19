import pytest


async def register(client, **body):
    return await client.post("/api/v2/devices", json=body)


async def test_a_registered_device_is_read_by_id_and_by_uid(admin, organizations):
    answer = await register(admin, device_uid="pump-1", name="Pump", device_type="pump", attributes={"floor": 2})
    assert answer.status_code == 201
    device = answer.json()
    assert isinstance(device["id"], int)
    assert device["organization_id"] == organizations.own
    assert (device["lifecycle"], device["status"], device["version"]) == ("in_stock", "idle", 1)
    for reference in ("pump-1", device["id"]):
        read = await admin.get(f"/api/v2/devices/{reference}")
        assert read.status_code == 200
        assert read.json() == device
        assert read.headers["etag"] == '"1"'


async def test_another_organizations_device_answers_as_one_that_does_not_exist(admin, stranger):
    device = (await register(admin, device_uid="pump-1")).json()
    paths = [("GET", ""), ("POST", "/token"), ("DELETE", "/token")]
    for reference in ("pump-1", device["id"]):
        for method, rest in paths:
            theirs = await stranger.request(method, f"/api/v2/devices/{reference}{rest}")
            nobodys = await stranger.request(method, f"/api/v2/devices/nothing{rest}")
            assert theirs.status_code == nobodys.status_code == 404
            assert theirs.json() == nobodys.json()
    assert (await stranger.get("/api/v2/devices")).json() == {"items": [], "next": None}


async def test_a_list_is_read_page_by_page_without_gap_or_repeat(admin):
    uids = [f"pump-{number}" for number in range(7)]
    for uid in uids:
        await register(admin, device_uid=uid)
    seen, url = [], "/api/v2/devices?limit=3"
    while url:
        page = await admin.get(url)
        seen += [item["device_uid"] for item in page.json()["items"]]
        url = page.links["next"]["url"] if "next" in page.links else None
        assert (url is None) == (page.json()["next"] is None)
    assert seen == uids


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("limit=0", 422, "validation_failed"),
        ("limit=501", 422, "validation_failed"),
        ("cursor=%00", 400, "bad_cursor"),
        ("cursor=WyJhIl0", 400, "bad_cursor"),
        ("cursor=e30", 400, "bad_cursor"),
        ("cursor=WzFlOTldCg", 400, "bad_cursor"),
    ],
)
async def test_a_bad_page_is_refused_clearly(admin, query, status, code):
    answer = await admin.get(f"/api/v2/devices?{query}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("reference", ["99999999999999999999999", "9" * 5_000, "0", "-1", "%00", "a" * 300, "²"])
@pytest.mark.parametrize("below", ["", "/info", "/audit", "/configuration"])
async def test_an_absurd_reference_is_just_not_found(admin, reference, below):
    assert (await admin.get(f"/api/v2/devices/{reference}{below}")).status_code == 404
