import hashlib

import pytest


@pytest.fixture
async def url(upload) -> str:
    return f"/api/v2/firmware/{(await upload()).json()['id']}/file"


@pytest.fixture
def etag(image) -> str:
    return f'"{hashlib.sha256(image).hexdigest()}"'


async def test_what_was_uploaded_is_served(url, operator, image, etag):
    answer = await operator.get(url)
    assert answer.status_code == 200
    assert answer.content == image
    assert (answer.headers["etag"], answer.headers["accept-ranges"]) == (etag, "bytes")
    assert answer.headers["content-length"] == str(len(image))
    assert answer.headers["content-disposition"] == 'attachment; filename="image.bin"'


async def test_head_tells_all_about_it_and_gives_none_of_it(url, operator, image, etag):
    answer = await operator.head(url, headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert (answer.headers["etag"], answer.headers["content-length"]) == (etag, str(len(image)))


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=262143-262144", 262_143, 262_145),
        ("bytes=262144-524287", 262_144, 524_288),
        ("bytes=600000-", 600_000, 800_000),
        ("bytes=799999-9999999999", 799_999, 800_000),
        ("bytes=-100", 799_900, 800_000),
        ("bytes=-99999999", 0, 800_000),
    ],
)
async def test_a_range_is_exactly_what_was_asked_for(url, operator, image, asked, start, end):
    answer = await operator.get(url, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == image[start:end]
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(image)}"
    assert answer.headers["content-length"] == str(end - start)


@pytest.mark.parametrize("asked", ["bytes=800000-", "bytes=-0", "bytes=9999999999999999999-"])
async def test_a_range_beyond_the_end_is_refused_with_the_size(url, operator, asked):
    answer = await operator.get(url, headers={"Range": asked})
    assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
    assert answer.headers["content-range"] == "bytes */800000"


async def test_a_download_is_resumed_only_if_it_is_still_the_same_file(url, operator, image, etag):
    same = await operator.get(url, headers={"Range": "bytes=5-", "If-Range": etag})
    assert (same.status_code, same.content) == (206, image[5:])
    for other in ('"other"', f"W/{etag}", "Sat, 21 Nov 2026 00:00:00 GMT"):
        answer = await operator.get(url, headers={"Range": "bytes=5-", "If-Range": other})
        assert (answer.status_code, answer.content) == (200, image)


async def test_one_who_has_it_is_not_given_it_again(url, operator, etag):
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = await operator.get(url, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert (await operator.get(url, headers={"If-None-Match": '"other"'})).status_code == 200


class TestDamage:
    """Bytes that are not those of the upload are never given out."""

    async def test_of_a_damaged_first_piece_or_a_lost_file_there_is_nothing(self, url, operator, stored):
        (file,) = stored()
        content = bytearray(file.read_bytes())
        content[10] ^= 1
        file.write_bytes(content)
        answer = await operator.get(url)
        assert (answer.status_code, answer.json()["code"]) == (500, "firmware_damaged")
        file.unlink()
        assert (await operator.get(url)).json()["code"] == "firmware_damaged"

    async def test_a_download_breaks_off_before_a_damaged_piece(self, url, operator, stored, image):
        (file,) = stored()
        content = bytearray(file.read_bytes())
        content[300_000] ^= 1
        file.write_bytes(content)
        answer = await operator.get(url)
        assert answer.content == image[: 256 * 1024]
        assert len(answer.content) < int(answer.headers["content-length"])

    @pytest.mark.parametrize("damage", ["change", "cut"])
    async def test_a_range_is_checked_as_well(self, url, operator, stored, image, damage):
        (file,) = stored()
        file.write_bytes(image[:-1] + (b"\xff" if damage == "change" else b""))
        answer = await operator.get(url, headers={"Range": "bytes=799000-799010"})
        assert (answer.status_code, answer.json()["code"]) == (500, "firmware_damaged")
        untouched = await operator.get(url, headers={"Range": "bytes=0-10"})
        assert (untouched.status_code, untouched.content) == (206, image[:11])
