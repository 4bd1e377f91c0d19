"""Files sent to the api, and the worker's steps that carry them out."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from device_management.imports.jobs import ImportSteps

Send = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def settings(settings):
    """With limits that a test can pass."""
    return settings.model_copy(update={"max_import_rows": 9_000, "max_import_bytes": 300_000})


@pytest.fixture
def steps(app) -> ImportSteps:
    return ImportSteps(app.state.scopes)


@pytest.fixture
def send(admin, steps) -> Send:
    """Imports a file to its end and answers how it ended."""

    async def send(text: str | bytes, *, media_type: str = "text/csv", client=admin, **params) -> dict[str, Any]:
        content = text.encode() if isinstance(text, str) else text
        answer = await client.post(
            "/api/v2/imports", content=content, params=params, headers={"Content-Type": media_type}
        )
        assert answer.status_code == 202, answer.text
        assert answer.json()["state"] == "pending"
        await steps()
        ended = await client.get(f"/api/v2/imports/{answer.json()['id']}")
        return ended.json()

    return send
