"""The blob store, which lies outside the database: a directory, or a bucket in S3.

A blob is written whole or not at all, under a name of its own that no row has yet; the row is written last, so what a
row names is there. Digests are taken from the bytes as they stream past, and every piece is checked when it is read.

obstore is called through threads rather than by its own coroutines: those end by a call from a foreign thread into the
interpreter, which aborts a process that is just ending.
"""

import asyncio
import hashlib
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Generator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url
from prometheus_client import Counter

from ota_service.firmware.errors import BlobDamaged, BlobStoreAway, StorageFull
from ota_service.firmware.models import PIECE, Stored

_PART = 8 * 1024 * 1024
"""Bytes sent to the store at once: S3 takes at most 10,000 parts, none but the last below 5 MiB."""
_PARTS_AT_ONCE = 2

_DAMAGED = Counter("muster_firmware_damaged_total", "Pieces of stored firmware that were not what was uploaded")

_log = structlog.get_logger(__name__)


class Blobs:
    """`url` is `file:///directory` or `s3://bucket/prefix`, with credentials as AWS's own tools find them."""

    def __init__(self, url: str) -> None:
        self._store = from_url(url, mkdir=True) if url.startswith("file:") else _bucket(url)
        self._directory = self._store.prefix if isinstance(self._store, LocalStore) else None

    async def put(self, name: str, chunks: AsyncIterable[bytes]) -> Stored:
        """Streams the bytes into the store under `name`; whatever goes wrong, nothing is kept.

        Raises StorageFull, BlobStoreAway, and what `chunks` raises.
        """
        writing = await asyncio.to_thread(_Writing, self._store, name, self._directory)
        try:
            waiting = bytearray()
            async for chunk in chunks:
                waiting += chunk
                while len(waiting) >= PIECE:
                    await asyncio.to_thread(writing.add, bytes(waiting[:PIECE]))
                    del waiting[:PIECE]
            if waiting:
                await asyncio.to_thread(writing.add, bytes(waiting))
            return await asyncio.to_thread(writing.finish)
        except BaseException as error:
            await asyncio.shield(asyncio.to_thread(writing.give_up, error))
            raise

    async def remove(self, *names: str) -> None:
        """Removes blobs; one that is not there is fine."""
        await asyncio.to_thread(self._remove, names)

    async def read(self, name: str, pieces: bytes, start: int, end: int) -> AsyncGenerator[bytes]:
        """The bytes from `start` to before `end`, each piece checked before it is given. Raises BlobDamaged."""
        for number in range(start // PIECE, -(-end // PIECE)):
            offset = number * PIECE
            piece = await asyncio.to_thread(self._piece, name, pieces, number)
            yield piece[max(0, start - offset) : end - offset]

    async def older_than(self, moment: datetime) -> list[list[str]]:
        """The names of all blobs written before `moment`, in lists of at most a thousand."""
        return await asyncio.to_thread(self._older_than, moment)

    async def remove_unfinished(self, moment: datetime) -> int:
        """Removes what processes that died while they wrote have left in the directory before `moment`; how many.

        In S3 a lifecycle rule of the bucket does it.
        """
        return await asyncio.to_thread(self._remove_unfinished, moment)

    def _piece(self, name: str, pieces: bytes, number: int) -> bytes:
        with _failures():
            try:
                piece = bytes(obstore.get_range(self._store, name, start=number * PIECE, length=PIECE))
            except FileNotFoundError:
                piece = b""
        if hashlib.sha256(piece).digest() != pieces[number * 32 : number * 32 + 32]:
            _DAMAGED.inc()
            _log.error("a stored firmware is damaged", blob=name, piece=number, bytes=len(piece))
            raise BlobDamaged
        return piece

    def _remove(self, names: tuple[str, ...]) -> None:
        for name in names:
            with _failures():
                try:
                    obstore.delete(self._store, name)
                except FileNotFoundError:
                    continue

    def _older_than(self, moment: datetime) -> list[list[str]]:
        with _failures():
            lists = obstore.list(  # pyright: ignore[reportUnknownMemberType] - Arrow is not installed
                self._store, chunk_size=1000, return_arrow=False
            )
            return [[entry["path"] for entry in entries if entry["last_modified"] < moment] for entries in lists]

    def _remove_unfinished(self, moment: datetime) -> int:
        removed = 0
        with _failures():
            # obstore writes to `<name>#<number>` and renames it at the end; its list leaves those out.
            for path in self._directory.glob("*/*#*") if self._directory is not None else ():
                if path.stat().st_mtime < moment.timestamp():
                    path.unlink(missing_ok=True)
                    removed += 1
        return removed


def _bucket(url: str) -> ObjectStore:
    """One that is away is told of within seconds: by itself obstore would go on trying for three minutes."""
    return from_url(url, retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=15)})


class _Writing:
    """One blob on its way into the store.

    Its methods may meet: a thread goes on when the one who waits for it is cancelled.
    """

    def __init__(self, store: ObjectStore, name: str, directory: Path | None) -> None:
        self._name = name
        self._path = directory / name if directory is not None else None
        self._size = 0
        self._sha256 = hashlib.sha256()
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._pieces = bytearray()
        self._lock = threading.Lock()
        with _failures():
            self._file = obstore.open_writer(store, name, buffer_size=_PART, max_concurrency=_PARTS_AT_ONCE)

    def add(self, piece: bytes) -> None:
        with self._lock, _failures():
            for digest in (self._sha256, self._sha1, self._md5):
                digest.update(piece)
            self._pieces += hashlib.sha256(piece).digest()
            self._size += len(piece)
            self._file.write(piece)

    def finish(self) -> Stored:
        with self._lock, _failures():
            self._file.close()
            self._sync()
        return Stored(
            blob=self._name,
            size=self._size,
            sha256=self._sha256.hexdigest(),
            sha1=self._sha1.hexdigest(),
            md5=self._md5.hexdigest(),
            pieces=bytes(self._pieces),
        )

    def give_up(self, error: BaseException) -> None:
        # Left with an error, it removes what it has written; what a store that is away keeps, the sweep removes.
        with self._lock, suppress(BaseError, OSError):
            self._file.__exit__(type(error), error, None)  # pyright: ignore[reportUnknownMemberType] - untyped

    def _sync(self) -> None:
        """To the disk itself: a row must not outlive its file's bytes in a power cut."""
        if self._path is None:
            return
        for target in (self._path, self._path.parent, self._path.parent.parent):
            descriptor = os.open(target, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


@contextmanager
def _failures() -> Generator[None]:
    """The store's errors as ours. obstore gives the operating system's as text."""
    try:
        yield
    except (BaseError, OSError) as error:
        if "No space left" in str(error) or "quota exceeded" in str(error).lower():
            raise StorageFull from error
        _log.exception("the firmware store failed")
        raise BlobStoreAway from error
