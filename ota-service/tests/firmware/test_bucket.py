"""The firmware store in a bucket, over S3's protocol."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto.server import ThreadedMotoServer

from ota_service.firmware.errors import BlobStoreAway
from ota_service.firmware.gateway import Blobs

BUCKET = "images"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    there = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    there.start()
    host, port = there.get_host_and_port()
    yield f"http://{host}:{port}"
    there.stop()


@pytest.fixture
def environment(server, monkeypatch):
    """As AWS's own tools read it."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": server,
        "AWS_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def bucket(environment, server):
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket=BUCKET)
    yield s3
    for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=found["Key"])
    s3.delete_bucket(Bucket=BUCKET)


@pytest.fixture
def settings(settings, bucket):
    return settings.model_copy(update={"firmware_store": f"s3://{BUCKET}/firmware"})


def names(bucket):
    return [found["Key"] for found in bucket.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


async def test_what_is_uploaded_is_served_whole_and_in_ranges(upload, operator, image, bucket):
    firmware = (await upload()).json()
    assert len(names(bucket)) == 1
    url = f"/api/v2/firmware/{firmware['id']}/file"
    assert (await operator.get(url)).content == image
    part = await operator.get(url, headers={"Range": "bytes=300000-300009"})
    assert (part.status_code, part.content) == (206, image[300_000:300_010])


async def test_what_exists_already_leaves_no_second_object(upload, bucket):
    await upload()
    assert (await upload()).status_code == 200
    assert (await upload(b"other")).status_code == 409
    assert len(names(bucket)) == 1


async def test_an_upload_that_is_cut_off_leaves_neither_an_object_nor_parts(bucket):
    async def cut():
        for _ in range(20):
            yield bytes(MIB)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await Blobs(f"s3://{BUCKET}/firmware").put("1/cut", cut())
    assert names(bucket) == []
    assert bucket.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []


async def test_an_object_that_was_changed_in_the_bucket_is_not_given_out(upload, operator, bucket):
    firmware = (await upload()).json()
    (name,) = names(bucket)
    bucket.put_object(Bucket=BUCKET, Key=name, Body=b"something else")
    answer = await operator.get(f"/api/v2/firmware/{firmware['id']}/file")
    assert (answer.status_code, answer.json()["code"]) == (500, "firmware_damaged")


async def test_what_no_row_names_is_found_by_its_age(upload, bucket):
    await upload()
    (name,) = names(bucket)
    blobs = Blobs(f"s3://{BUCKET}/firmware")
    assert await blobs.older_than(datetime.now(UTC) - timedelta(hours=1)) in ([], [[]])
    assert await blobs.older_than(datetime.now(UTC) + timedelta(hours=1)) == [[name.removeprefix("firmware/")]]


async def test_a_bucket_that_is_away_is_told_of(environment, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    async def little():
        yield b"x"

    with pytest.raises(BlobStoreAway):
        await Blobs(f"s3://{BUCKET}/firmware").put("1/x", little())
