import asyncio

import pytest

HOOKS = "/api/v2/webhooks"
BODY = {"url": "http://127.0.0.1:9/hook", "event_types": ["device.*"]}


async def create(client, **changes):
    return await client.post(HOOKS, json=BODY | changes)


async def test_a_webhook_is_made_read_and_listed_and_its_secret_shown_once(admin, sql):
    made = await create(admin, description="ours")
    assert made.status_code == 201, made.text
    hook = made.json()
    secret = hook.pop("secret")
    hook.pop("previous_until")
    assert secret.startswith("whsec_")
    read = await admin.get(f"{HOOKS}/{hook['id']}")
    assert (read.json(), read.headers["etag"]) == (hook, '"1"')
    assert (await admin.get(HOOKS)).json() == {"items": [hook], "next": None}
    everything = [read.text, str(await sql.fetch("select * from webhooks, audit_entries"))]
    assert not any(secret[6:20] in text for text in everything)


async def test_changes_name_the_version_they_saw_and_are_in_the_audit_log(admin, sql):
    hook = (await create(admin)).json()
    url = f"{HOOKS}/{hook['id']}"
    changed = await admin.patch(url, json={"enabled": False}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["enabled"], changed.headers["etag"]) == (200, False, '"2"')
    assert (await admin.patch(url, json={"enabled": True}, headers={"If-Match": '"1"'})).status_code == 412
    assert (await admin.delete(url, headers={"If-Match": '"1"'})).status_code == 412
    assert (await admin.delete(url)).status_code == 204
    assert (await admin.get(url)).status_code == 404
    rows = await sql.fetch("select action from audit_entries where subject_kind = 'webhook' order by id")
    assert [row["action"] for row in rows] == ["created", "changed", "removed"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"url": "ftp://example.com"}, 422, "unacceptable_url"),
        ({"url": "https://user:pw@example.com"}, 422, "unacceptable_url"),
        ({"url": "http://10.1.2.3/"}, 422, "address_refused"),
        ({"url": "http://169.254.169.254/latest"}, 422, "address_refused"),
        ({"url": "https://no.such.host.invalid/"}, 422, "host_unknown"),
        ({"event_types": ["nothing.*"]}, 422, "unknown_event_type"),
        ({"event_types": []}, 422, "validation_failed"),
        ({"url": ""}, 422, "validation_failed"),
        ({"secret": "mine"}, 422, "validation_failed"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_leaves_nothing(admin, change, status, code):
    answer = await create(admin, **change)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert (await admin.get(HOOKS)).json()["items"] == []
    hook = (await create(admin)).json()
    assert (await admin.patch(f"{HOOKS}/{hook['id']}", json=change)).status_code == status
    assert (await admin.patch(f"{HOOKS}/{hook['id']}", json={})).status_code == 422


async def test_fifty_at_once_never_make_more_than_the_limit(admin):
    answers = await asyncio.gather(*(create(admin) for _ in range(50)))
    assert sorted(answer.status_code for answer in answers) == [201] * 20 + [409] * 30
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"too_many_webhooks"}


async def test_another_organizations_webhook_answers_as_one_that_does_not_exist(admin, stranger):
    hook = (await create(admin)).json()
    delivery = (await admin.post(f"{HOOKS}/{hook['id']}/test")).json()
    calls = [
        ("GET", "", None),
        ("PATCH", "", {"enabled": False}),
        ("DELETE", "", None),
        ("POST", "/secret", None),
        ("POST", "/test", None),
        ("GET", "/deliveries", None),
        ("GET", f"/deliveries/{delivery['id']}", None),
        ("POST", f"/deliveries/{delivery['id']}/replay", None),
    ]
    for method, rest, body in calls:
        theirs = await stranger.request(method, f"{HOOKS}/{hook['id']}{rest}", json=body)
        nobodys = await stranger.request(method, f"{HOOKS}/{hook['id'] + 999}{rest}", json=body)
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json() == nobodys.json()


async def test_one_webhooks_delivery_is_not_anothers(admin):
    first, second = (await create(admin)).json(), (await create(admin)).json()
    delivery = (await admin.post(f"{HOOKS}/{first['id']}/test")).json()
    answer = await admin.get(f"{HOOKS}/{second['id']}/deliveries/{delivery['id']}")
    assert (answer.status_code, answer.json()["code"]) == (404, "delivery_not_found")


async def test_nothing_is_tried_or_sent_again_while_a_webhook_is_off(admin):
    url = f"{HOOKS}/{(await create(admin)).json()['id']}"
    delivery = (await admin.post(f"{url}/test")).json()
    await admin.patch(url, json={"enabled": False})
    for verb in ("test", f"deliveries/{delivery['id']}/replay"):
        answer = await admin.post(f"{url}/{verb}")
        assert (answer.status_code, answer.json()["code"]) == (409, "webhook_is_off")
    assert [one["id"] for one in (await admin.get(f"{url}/deliveries")).json()["items"]] == [delivery["id"]]
    await admin.patch(url, json={"enabled": True})
    assert (await admin.post(f"{url}/test")).status_code == 202
