"""Debian's swupdate: images for it, signed as it asks, and the client itself."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import psutil
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from muster_stack.programs import SWUPDATE, require

_DETACHED = [PKCS7Options.DetachedSignature, PKCS7Options.Binary, PKCS7Options.NoCapabilities]


class Signer:
    """Who signs images; swupdate checks with the certificate."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signer")]), datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
            .sign(self._key, SHA256())
        )

    def image(self, payload: bytes, installed_at: Path) -> bytes:
        """A .swu that puts `payload` into a file: a cpio archive whose first member is signed (CMS)."""
        description = (
            'software = { version = "2.0"; hardware-compatibility: ["1.0"]; files: ({ filename = "payload"; '
            f'path = "{installed_at}"; sha256 = "{sha256(payload).hexdigest()}"; }}); }}\n'
        ).encode()
        signing = PKCS7SignatureBuilder().set_data(description).add_signer(self.certificate, self._key, SHA256())
        members = {
            "sw-description": description,
            "sw-description.sig": signing.sign(Encoding.DER, _DETACHED),
            "payload": payload,
            "TRAILER!!!": b"",
        }
        return b"".join(_member(number, name, content) for number, (name, content) in enumerate(members.items()))


def _member(number: int, name: str, content: bytes) -> bytes:
    """In cpio's "crc" format: thirteen numbers in hex, the name, the content, each part filled up to four bytes."""
    encoded = name.encode() + b"\0"
    numbers = [number, 0o100644, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), sum(content)]
    head = b"070702" + b"".join(b"%08X" % (value & 0xFFFFFFFF) for value in numbers) + encoded
    return head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)


@dataclass
class Swupdate:
    """One run of the client, with its output so far."""

    process: asyncio.subprocess.Process
    directory: Path
    lines: list[str] = field(default_factory=list)

    def said(self, words: str) -> bool:
        return any(words in line for line in self.lines)

    async def ask_now(self) -> None:
        """Has it poll at once, as a device does that has just come online."""
        await _run("swupdate-ipc", "hawkbitcfg", "-t", cwd=self.directory)

    def lose_power(self) -> None:
        """Kills it with the processes of its own that it has started, which are not in its group."""
        first = psutil.Process(self.process.pid)
        for process in [first, *first.children(recursive=True)]:
            process.kill()


@asynccontextmanager
async def running(directory: Path, signer: Signer, *arguments: str) -> AsyncIterator[Swupdate]:
    """swupdate as a hawkBit client until the block ends, when what it has said is printed. It lives in `directory`."""
    (directory / "certificate.pem").write_bytes(signer.certificate.public_bytes(Encoding.PEM))
    (directory / "swupdate.cfg").write_text('globals: { };\nidentify: ( { name = "serial"; value = "17"; } );\n')
    process = await asyncio.create_subprocess_exec(
        str(require(SWUPDATE)),
        *("-v", "-H", "board:1.0", "-f", "swupdate.cfg", "-k", "certificate.pem", "-u", " ".join(arguments)),
        cwd=directory,
        env={"TMPDIR": str(directory), "PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    client = Swupdate(process, directory)
    reading = asyncio.create_task(_read(client))
    try:
        yield client
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await reading
        sys.stdout.write("".join(client.lines))


async def _read(client: Swupdate) -> None:
    assert client.process.stdout is not None
    while line := await client.process.stdout.readline():
        client.lines.append(line.decode(errors="replace"))


async def _run(*command: str, cwd: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env={"TMPDIR": str(cwd), "PATH": "/usr/bin:/bin"}, stdout=asyncio.subprocess.DEVNULL
    )
    await process.wait()
