"""The file of an open action, in ranges and whole."""

from hashlib import md5, sha1

import pytest

from ..conftest import IMAGE


@pytest.fixture
def path(update):
    return f"/softwaremodules/{update.firmware.id}/artifacts/edge.bin"


async def test_the_file_comes_whole_with_its_sha1_as_its_tag(update, path, state_of):
    answer = await update.target.get(path)
    assert (answer.status_code, answer.content) == (200, IMAGE)
    assert answer.headers["etag"] == f'"{sha1(IMAGE).hexdigest()}"'  # noqa: S324
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["last-modified"].endswith(" GMT")
    assert await state_of(update) == "downloading"


async def test_to_look_at_it_begins_no_download(update, path, state_of):
    answer = await update.target.http.head(f"{update.target.path}{path}")
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, str(len(IMAGE)), b"")
    assert await state_of(update) == "initiated"


async def test_a_client_reads_in_pieces_until_there_is_no_more(update, path):
    got, size = b"", 128 * 1024
    while True:
        answer = await update.target.get(path, headers={"Range": f"bytes={len(got)}-{len(got) + size - 1}"})
        if answer.status_code == 416:
            break
        assert answer.status_code == 206
        assert answer.headers["content-range"].endswith(f"/{len(IMAGE)}")
        got += answer.content
    assert answer.headers["content-range"] == f"bytes */{len(IMAGE)}"
    assert got == IMAGE


async def test_a_range_of_another_file_is_answered_with_the_whole_of_this(update, path):
    tag = (await update.target.get(path)).headers["etag"]
    for expected, status in ((tag, 206), ('"other"', 200)):
        answer = await update.target.get(path, headers={"Range": "bytes=100-", "If-Range": expected})
        assert answer.status_code == status


async def test_the_digest_is_there_as_md5sum_writes_it(update, path):
    answer = await update.target.get(f"{path}.MD5SUM")
    assert answer.text == f"{md5(IMAGE).hexdigest()}  edge.bin"  # noqa: S324
    assert answer.headers["content-type"].startswith("text/plain")
    again = await update.target.get(f"{path}.MD5SUM", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_there_is_no_other_file(update, path):
    modules = ("/softwaremodules/0/artifacts/edge.bin", "/softwaremodules/x/artifacts/edge.bin")
    for other in (*modules, f"{path}x", f"{path}x.MD5SUM", path.replace("edge", "%2e%2e%2fedge")):
        assert (await update.target.get(other)).status_code == 404


async def test_the_file_is_there_as_long_as_the_action_is_open(update, path):
    await update.target.say(update.action, "closed", "success")
    assert (await update.target.get(path)).status_code == 404
    assert (await update.target.get(f"{path}.MD5SUM")).status_code == 404
