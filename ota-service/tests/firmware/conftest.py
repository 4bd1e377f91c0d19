"""People who look after firmware, of two organizations, and what they upload."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

SCOPES = ("updates:read", "updates:write", "updates:approve")

Upload = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def image() -> bytes:
    """Three pieces and a bit, no two alike."""
    return b"".join(number.to_bytes(4, "big") for number in range(200_000))


@pytest.fixture
async def anyone(app) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://muster.test") as client:
        yield client


@pytest.fixture
async def operator(anyone, credentials) -> httpx.AsyncClient:
    """May do everything with the firmware of organization 1."""
    anyone.headers["Authorization"] = f"Bearer {credentials.person(*SCOPES, organization_id=1, user='7')}"
    return anyone


@pytest.fixture
async def stranger(app, credentials) -> AsyncIterator[httpx.AsyncClient]:
    """Has the same rights in organization 2."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {credentials.person(*SCOPES, organization_id=2)}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://muster.test", headers=headers) as client:
        yield client


@pytest.fixture
def upload(operator, image) -> Upload:
    async def send(content=image, *, name="gateway", version="1.0", filename="image.bin", client=None, **fields):
        data = {"name": name, "version": version, **fields}
        return await (client or operator).post("/api/v2/firmware", data=data, files={"file": (filename, content)})

    return send


@pytest.fixture
def stored(settings) -> Callable[[], list[Path]]:
    """Every file in the blob store."""
    directory = Path(urlsplit(settings.firmware_store).path)
    return lambda: [path for path in directory.rglob("*") if path.is_file()]
