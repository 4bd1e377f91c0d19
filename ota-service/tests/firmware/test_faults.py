"""What is left behind when an upload ends as it should not: nothing, or nothing for long."""

import asyncio
import shutil
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn

from ota_service.bandwidth.service import Line
from ota_service.bandwidth.store import BandwidthStore
from ota_service.firmware import gateway
from ota_service.firmware.gateway import Blobs
from ota_service.firmware.service import FirmwareService
from ota_service.firmware.store import FirmwareStore
from shared.clock import FixedClock
from shared.http import multipart
from shared.http.server import KEEP_ALIVE_SECONDS
from shared.ids import RandomIds
from shared.sql.unit_of_work import UnitOfWork
from shared.testing import eventually

PROCESS = Path(__file__).parent / "blob_process.py"
BEGINNING = (
    b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\ngateway\r\n'
    b'--b\r\nContent-Disposition: form-data; name="version"\r\n\r\n1.0\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="image.bin"\r\n\r\n'
)
FORM = {"Content-Type": "multipart/form-data; boundary=b"}


@asynccontextmanager
async def serving(app):
    """The application on a port, as it runs in earnest."""
    config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, timeout_keep_alive=KEEP_ALIVE_SECONDS)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


def sweeper(app, settings, *, after):
    """The sweep as it will be some time from now."""

    async def sweep():
        clock = FixedClock(datetime.now(UTC) + after)
        async with app.state.scopes() as scope:
            store = FirmwareStore(scope.get(UnitOfWork).session)
            blobs, line = Blobs(settings.firmware_store), Line(lambda: nullcontext(BandwidthStore(None)))
            return await FirmwareService(store, blobs, line, clock=clock, ids=RandomIds()).sweep()

    return sweep


class TestTheDisk:
    async def test_a_full_disk_refuses_the_upload_and_keeps_nothing(self, upload, stored, sql, monkeypatch):
        real = gateway.obstore.open_writer

        def almost_full(*args, **options):
            file = real(*args, **options)

            class Full:
                def write(self, piece):
                    file.write(piece)
                    raise OSError("Generic LocalFileSystem error: No space left on device (os error 28)")

                def __exit__(self, *error):
                    file.__exit__(*error)

            return Full()

        monkeypatch.setattr(gateway.obstore, "open_writer", almost_full)
        answer = await upload()
        assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
        assert stored() == []
        assert await sql.fetchval("select count(*) from firmwares") == 0
        monkeypatch.undo()
        assert (await upload()).status_code == 201

    def test_a_really_full_disk_says_so_in_words_that_are_understood(self, tmp_path):
        unshare = shutil.which("unshare")
        mounting = f"mount -t tmpfs -o size=4m tmpfs {tmp_path}"
        alone = [unshare, "--mount", "--map-root-user", "sh", "-c"] if unshare else []
        if not alone or subprocess.run([*alone, mounting], check=False, capture_output=True).returncode != 0:
            pytest.skip("this machine lets nobody mount a small disk")
        command = f"{mounting} && {sys.executable} {PROCESS} {tmp_path} 20 && find {tmp_path} -type f"
        finished = subprocess.run([*alone, command], check=True, capture_output=True, text=True)
        assert finished.stdout.split() == ["StorageFull"]

    async def test_a_store_that_fails_otherwise_is_away(self, upload, stored, settings, monkeypatch):
        class Away:
            def write(self, piece):
                raise OSError("Generic S3 error: connection refused")

            def __exit__(self, *error):
                raise OSError("Generic S3 error: connection refused")

        monkeypatch.setattr(gateway.obstore, "open_writer", lambda *_args, **_options: Away())
        answer = await upload()
        assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
        assert "S3" not in answer.text
        assert answer.headers["retry-after"] == "10"


class TestTheClient:
    async def test_one_that_goes_away_in_the_middle_leaves_nothing(self, app, credentials, stored, sql):
        async with serving(app) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            token = credentials.person("updates:write")
            writer.write(
                f"POST /api/v2/firmware HTTP/1.1\r\nHost: muster.test\r\nAuthorization: Bearer {token}\r\n"
                f"Content-Type: {FORM['Content-Type']}\r\nContent-Length: 50000000\r\n\r\n".encode()
            )
            writer.write(BEGINNING + bytes(10_000_000))
            await writer.drain()
            await eventually(stored, why="the upload is under way")
            writer.transport.abort()
            await eventually(lambda: not stored(), why="what has arrived is removed")
            assert await sql.fetchval("select count(*) from firmwares") == 0

    async def test_one_that_falls_silent_is_sent_away(self, operator, stored, monkeypatch):
        monkeypatch.setattr(multipart, "SILENCE_SECONDS", 0.05)

        async def body():
            yield BEGINNING + b"x" * 300_000
            await asyncio.sleep(60)

        answer = await operator.post("/api/v2/firmware", content=body(), headers=FORM)
        assert (answer.status_code, answer.json()["code"]) == (408, "upload_stalled")
        assert stored() == []

    async def test_a_file_that_is_cut_short_is_refused(self, operator, stored):
        answer = await operator.post("/api/v2/firmware", content=BEGINNING + b"x" * 300_000, headers=FORM)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_form")
        assert stored() == []

    async def test_a_stranger_has_the_answer_before_sending_the_body(self, app):
        async with serving(app) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(
                f"POST /api/v2/firmware HTTP/1.1\r\nHost: muster.test\r\nContent-Type: {FORM['Content-Type']}\r\n"
                "Content-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n".encode()
            )
            assert (await asyncio.wait_for(reader.readline(), 60)).startswith(b"HTTP/1.1 401 ")
            writer.close()


class TestTheProcess:
    async def test_what_one_that_was_killed_in_the_middle_has_left_is_swept(self, app, settings, stored):
        directory = Path(settings.firmware_store.removeprefix("file://"))
        finished = await asyncio.to_thread(
            subprocess.run, [sys.executable, PROCESS, directory, "20", "killed"], check=False
        )
        assert finished.returncode == -signal.SIGKILL
        assert stored()
        assert await sweeper(app, settings, after=timedelta(hours=23))() == 0
        assert await sweeper(app, settings, after=timedelta(days=1, minutes=1))() == 1
        assert stored() == []

    async def test_a_blob_whose_process_died_before_its_row_is_swept_and_no_other(
        self, app, settings, upload, operator, stored, image, sql
    ):
        firmware = (await upload()).json()
        await upload(version="2.0")
        await sql.execute("delete from firmwares where version = '2.0'")
        assert len(stored()) == 2
        assert await sweeper(app, settings, after=timedelta(hours=23))() == 0
        assert await sweeper(app, settings, after=timedelta(days=2))() == 1
        assert len(stored()) == 1
        assert (await operator.get(f"/api/v2/firmware/{firmware['id']}/file")).content == image


async def test_an_image_passes_through_without_being_held_in_memory(app, credentials):
    size = 128 * 1024 * 1024

    async def body():
        yield BEGINNING
        for _ in range(size // 65_536):
            yield bytes(65_536)
        yield b"\r\n--b--\r\n"

    headers = {**FORM, "Authorization": f"Bearer {credentials.person('updates:write', 'updates:read')}"}
    async with (
        serving(app) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client,
    ):
        forget_peak()
        before = memory("VmRSS")
        uploaded = (await client.post("/api/v2/firmware", content=body(), timeout=60)).json()
        assert uploaded["size"] == size
        seen = 0
        async with client.stream("GET", f"/api/v2/firmware/{uploaded['id']}/file") as answer:
            async for chunk in answer.aiter_raw():
                seen += len(chunk)
        assert seen == size
        assert memory("VmHWM") - before < size / 2


def forget_peak():
    Path("/proc/self/clear_refs").write_text("5")


def memory(figure):
    """Bytes that this process has (`VmRSS`), or has had at the most (`VmHWM`)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(f"{figure}:")]
    return int(line.split()[1]) * 1024
