"""Two organizations known by their slugs, and clients of the Direct Device Integration."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from ota_service.tenants.service import TenantService
from shared.contracts.organizations import OrganizationChanged
from shared.testing import eventually

from ..conftest import AT


@pytest.fixture
async def set_tenant(app):
    async def put(slug="acme", *, organization_id=1, version=1, state="active", **settings: Any) -> None:
        news = OrganizationChanged(
            organization_id=organization_id,
            version=version,
            slug=slug,
            name=slug,
            state=state,
            settings={"ddi": settings} if settings else {},
            created_at=AT,
            updated_at=AT,
        )
        async with app.state.scopes() as scope:
            await scope.get(TenantService).follow([news])

    return put


@pytest.fixture
async def tenants(set_tenant) -> None:
    await set_tenant("acme", organization_id=1)
    await set_tenant("other", organization_id=2)


@dataclass
class Target:
    """A client of the protocol, which speaks for one device."""

    http: httpx.AsyncClient
    path: str

    async def get(self, path: str = "", **options: Any) -> httpx.Response:
        return await self.http.get(f"{self.path}{path}", **options)

    async def base(self) -> dict[str, Any]:
        answer = await self.get()
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def links(self) -> dict[str, str]:
        """The links of the base resource, below the device's own address."""
        links = (await self.base()).get("_links", {})
        return {name: link["href"].removeprefix(f"http://muster.test{self.path}") for name, link in links.items()}

    async def say(
        self, action: str | int, execution: str, finished: str = "none", *, below="deploymentBase", **status: Any
    ) -> httpx.Response:
        result = {"finished": finished, **status.pop("result", {})}
        body = {"id": action, "status": {"execution": execution, "result": result, **status}}
        return await self.http.post(f"{self.path}/{below}/{action}/feedback", json=body)

    async def put(self, data: Any, **members: Any) -> httpx.Response:
        return await self.http.put(f"{self.path}/configData", json={"data": data, **members})


@pytest.fixture
def target(connect, credentials, tenants) -> Callable[..., Target]:
    def speak(uid="pump-1", *, slug="acme", authorization=None) -> Target:
        http = connect("")
        http.headers["Authorization"] = authorization or f"TargetToken {credentials.device(uid)}"
        return Target(http, f"/{slug}/controller/v1/{uid}")

    return speak


@dataclass
class Update:
    """An update of pump-1 that was just opened; `action` is its id in this protocol."""

    id: str
    action: int
    target: Target
    firmware: Any


@pytest.fixture
async def update(add_devices, add_firmware, person, target, sql) -> Update:
    await add_devices("pump-1", "pump-2")
    firmware = await add_firmware()
    answer = await person.post("/api/v2/updates", json={"device_uid": "pump-1", "firmware_id": firmware.id})
    assert answer.status_code == 202, answer.text
    session_id = answer.json()["session_id"]
    counter = await sql.fetchval("select counter from update_sessions where id = $1", session_id)
    return Update(session_id, counter, target(), firmware)


@pytest.fixture
def offer(add_devices, connect, credentials, target, sql):
    """Opens an update of pump-1 with a file of its own."""
    operator = connect(credentials.person("updates:read", "updates:write", "updates:approve"))

    async def open_update(content: bytes, filename: str, version="2.0") -> Update:
        await add_devices("pump-1")
        fields = {"name": "os", "version": version}
        uploaded = await operator.post("/api/v2/firmware", data=fields, files={"file": (filename, content)})
        firmware_id = uploaded.json()["id"]
        await operator.post(f"/api/v2/firmware/{firmware_id}/approve")
        answer = await operator.post("/api/v2/updates", json={"device_uid": "pump-1", "firmware_id": firmware_id})
        session_id = answer.json()["session_id"]
        counter = await sql.fetchval("select counter from update_sessions where id = $1", session_id)
        return Update(session_id, counter, target(), uploaded.json())

    return open_update


@pytest.fixture
def state_of(person):
    async def state(update) -> str:
        return (await person.get(f"/api/v2/updates/{update.id}")).json()["state"]

    return state


@pytest.fixture
def becomes(state_of):
    async def wait(update, state) -> None:
        async def has_become() -> bool:
            return await state_of(update) == state

        await eventually(has_become, timeout=90.0)

    return wait
