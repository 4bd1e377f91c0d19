import asyncio
import hashlib

import pytest


async def test_an_uploaded_image_is_described_by_what_arrived(upload, operator, image):
    answer = await upload(hardware_versions=["v2", "v1, v3", "v1"])
    assert answer.status_code == 201, answer.text
    firmware = answer.json()
    assert firmware["sha256"] == hashlib.sha256(image).hexdigest()
    assert (firmware["size"], firmware["filename"], firmware["state"]) == (len(image), "image.bin", "uploaded")
    assert firmware["hardware_versions"] == ["v1", "v2", "v3"]
    assert (firmware["uploaded_by"], firmware["approved_by"], firmware["approved_at"]) == ("7", None, None)
    detail = {"approvals": [], "approvals_needed": 1}
    assert (await operator.get(f"/api/v2/firmware/{firmware['id']}")).json() == firmware | detail


async def test_the_digests_that_hawkbit_clients_ask_for_are_those_of_the_image(upload, image, sql):
    await upload()
    row = await sql.fetchrow("select sha1, md5, octet_length(pieces) as pieces from firmwares")
    assert row["sha1"] == hashlib.sha1(image).hexdigest()  # noqa: S324 - what is compared
    assert row["md5"] == hashlib.md5(image).hexdigest()  # noqa: S324 - what is compared
    assert row["pieces"] == 4 * 32


async def test_a_stranger_is_refused_before_a_byte_of_the_body_is_read(anyone, credentials):
    asked = 0

    async def body():
        nonlocal asked
        asked += 1
        yield b"x"

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await anyone.post("/api/v2/firmware", content=body(), headers=headers)
    assert answer.status_code == 401
    headers["Authorization"] = f"Bearer {credentials.person('updates:read')}"
    answer = await anyone.post("/api/v2/firmware", content=body(), headers=headers)
    assert answer.status_code == 403
    assert asked == 0


async def test_the_same_upload_again_answers_with_what_is_there(upload, stored):
    first = await upload(hardware_versions="v1")
    again = await upload(hardware_versions="v1", filename="other-name.bin")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert len(stored()) == 1


@pytest.mark.parametrize("change", [{"content": b"other"}, {"hardware_versions": "v2"}], ids=str)
async def test_a_version_means_one_thing_for_ever(upload, stored, change):
    await upload()
    answer = await upload(**change)
    assert (answer.status_code, answer.json()["code"]) == (409, "firmware_version_taken")
    assert len(stored()) == 1


async def test_of_uploads_of_one_version_at_once_one_wins(upload, stored, sql):
    answers = await asyncio.gather(*(upload(bytes([number]) * 300_000) for number in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    assert await sql.fetchval("select count(*) from firmwares") == len(stored()) == 1


async def test_release_counters_grow_for_each_name_without_gap_or_repeat(upload):
    answers = await asyncio.gather(*(upload(version=f"1.{number}") for number in range(8)))
    assert sorted(answer.json()["release_counter"] for answer in answers) == list(range(1, 9))
    assert (await upload(name="sensor")).json()["release_counter"] == 1


async def test_approval_is_recorded_once(upload, operator, credentials):
    firmware = (await upload()).json()
    url = f"/api/v2/firmware/{firmware['id']}/approve"
    approved = (await operator.post(url)).json()
    assert (approved["state"], approved["approved_by"]) == ("approved", "7")
    other = {"Authorization": f"Bearer {credentials.person('updates:approve', user='8')}"}
    again = await operator.post(url, headers=other)
    assert (again.status_code, again.json()) == (200, approved)


async def test_another_organizations_firmware_answers_as_one_that_does_not_exist(upload, stranger):
    firmware = (await upload()).json()
    for method, rest in [("GET", ""), ("POST", "/approve"), ("GET", "/file"), ("HEAD", "/file")]:
        theirs = await stranger.request(method, f"/api/v2/firmware/{firmware['id']}{rest}")
        nobodys = await stranger.request(method, f"/api/v2/firmware/999{rest}")
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.content == nobodys.content
    assert (await stranger.get("/api/v2/firmware")).json() == {"items": [], "next": None}
    assert (await upload(client=stranger)).status_code == 201


async def test_a_list_is_read_page_by_page(upload, operator):
    for number in range(5):
        await upload(b"x", version=f"1.{number}")
    seen, url = [], "/api/v2/firmware?limit=2"
    while url:
        page = await operator.get(url)
        seen += [item["version"] for item in page.json()["items"]]
        url = page.links["next"]["url"] if "next" in page.links else None
    assert seen == [f"1.{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "", "updates:read"),
        ("POST", "", "updates:write"),
        ("POST", "/1/approve", "updates:approve"),
        ("POST", "/1/withdraw", "updates:approve"),
    ],
)
async def test_each_path_asks_for_its_scope(anyone, credentials, method, path, scope):
    others = {"updates:read", "updates:write", "updates:approve"} - {scope}
    headers = {"Authorization": f"Bearer {credentials.person(*others)}"}
    answer = await anyone.request(method, f"/api/v2/firmware{path}", headers=headers)
    assert answer.status_code == 403
    assert scope in answer.json()["detail"]


async def test_a_devices_token_opens_none_of_it(anyone, credentials):
    headers = {"Authorization": f"Bearer {credentials.device('pump-1')}"}
    assert (await anyone.get("/api/v2/firmware", headers=headers)).status_code == 403


@pytest.mark.parametrize("reference", ["0", "-1", "abc", "99999999999999999999", "%00"])
async def test_an_absurd_id_is_refused_clearly(operator, reference):
    answer = await operator.get(f"/api/v2/firmware/{reference}")
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


class TestBadUploads:
    @pytest.mark.parametrize(
        "change",
        [
            {"name": "../../etc"},
            {"name": "a/b"},
            {"name": "a\\b"},
            {"name": "<b>x</b>"},
            {"name": "a\0b"},
            {"name": "a\nb"},
            {"name": ""},
            {"name": " "},
            {"name": "é"},
            {"name": "x" * 65},
            {"version": "1..0"},
            {"version": ""},
            {"version": "1.0\u202e"},
            {"filename": "../image.bin"},
            {"filename": "a/b.bin"},
            {"filename": "<img>.bin"},
            {"filename": "x" * 201},
            {"hardware_versions": "a/b"},
            {"hardware_versions": [f"v{number}" for number in range(65)]},
            {"sha256": "abc"},
            {"sha256": ["0" * 64, "1" * 64]},
            {"unknown": "1"},
        ],
        ids=str,
    )
    async def test_a_wrong_field_is_refused_and_nothing_is_kept(self, upload, stored, sql, change):
        answer = await upload(**change)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), answer.text
        assert answer.json()["errors"][0]["location"][:2] == ["body", next(iter(change))]
        assert "\0" not in answer.text
        assert stored() == []
        assert await sql.fetchval("select count(*) from firmwares") == 0

    async def test_another_digest_than_the_announced_one_refuses_the_file(self, upload, stored):
        answer = await upload(b"abc", sha256="0" * 64)
        assert (answer.status_code, answer.json()["code"]) == (422, "digest_mismatch")
        assert answer.json()["sha256"] == hashlib.sha256(b"abc").hexdigest()
        assert stored() == []

    async def test_the_announced_digest_may_be_in_capitals(self, upload):
        assert (await upload(b"abc", sha256=hashlib.sha256(b"abc").hexdigest().upper())).status_code == 201

    async def test_an_empty_file_is_refused(self, upload, stored):
        answer = await upload(b"")
        assert (answer.status_code, answer.json()["code"]) == (422, "firmware_empty")
        assert stored() == []

    async def test_a_form_without_a_file_is_refused(self, operator, stored):
        answer = await operator.post("/api/v2/firmware", data={"name": "a", "version": "1"}, files={"other": b"x"})
        assert (answer.status_code, answer.json()["errors"][0]["location"]) == (422, ["body", "file"])
        assert stored() == []

    async def test_a_body_that_is_no_form_is_refused(self, operator):
        answer = await operator.post("/api/v2/firmware", json={"name": "a"})
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")

    async def test_an_upload_over_the_limit_is_refused_by_its_length_and_by_its_bytes(self, small, operator, stored):
        answer = await operator.post("/api/v2/firmware", data={"name": "a"}, files={"file": b"x" * 300_000})
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")

        async def body():
            yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
            for _ in range(300):
                yield b"x" * 1000

        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        answer = await operator.post("/api/v2/firmware", content=body(), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert stored() == []

    @pytest.fixture
    def small(self, settings):
        """A limit that other paths do not have."""
        return settings.max_firmware_bytes

    @pytest.fixture
    def settings(self, settings, request):
        return (
            settings.model_copy(update={"max_firmware_bytes": 200_000}) if "small" in request.fixturenames else settings
        )


async def test_the_keys_that_sign_manifests_are_public(anyone, credentials):
    answer = await anyone.get("/api/v2/firmware/keys")
    assert answer.status_code == 200
    (key,) = answer.json()["keys"]
    assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "EdDSA")
    assert "d" not in key
