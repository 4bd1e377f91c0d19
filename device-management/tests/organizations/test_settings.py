"""What an organization may keep as its settings."""

import json
from typing import Any

import httpx
import pytest


@pytest.mark.parametrize("levels", [9, 900])
async def test_settings_that_are_nested_too_deeply_are_refused_and_leave_nothing(
    anyone: httpx.AsyncClient, credentials: Any, organizations: Any, levels: int
):
    token = credentials.person("organization:admin", organization_id=organizations.own)
    anyone.headers["Authorization"] = f"Bearer {token}"
    url, deep = f"/api/v2/organizations/{organizations.own}", json.loads("[" * levels + "]" * levels)
    refused = await anyone.patch(url, json={"settings": {"a": deep}})
    assert refused.status_code == 422
    assert (await anyone.get(url)).json()["settings"] == {}
