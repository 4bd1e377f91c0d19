"""The Direct Device Integration beside goosebit: base polls a second, and the update of a fleet to closed success.

One process each, on the same PostgreSQL, asked by the same client with a token for each device. A poll of ours is a
transaction that reads; that the device was heard is told the broker once a minute for each. A poll of goosebit writes
when and from where the device was seen last. They take turns, so that a slow moment of the machine hits both. An update
is ended after some minutes, and counted as far as it came: ours must have come to its end by then.
"""

import json
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx

from benchmarks import child, goosebit, update_fleet
from benchmarks.figures import Aim, Figure, Row
from benchmarks.platform import Platform
from muster_cli.connection import Endpoint
from muster_stack.ports import LOOPBACK
from shared.testing import eventually

_IMAGE = bytes(range(256)) * 256
_CONNECTIONS = 32
_PATIENCE_S = 120.0
_OTHER_S, _OWN_S = 120.0, 240.0
"""How long each of the two may take to update all of the devices."""
_FACTS = {
    "connections": _CONNECTIONS,
    "ours stores per poll": "nothing; a sign of life goes to the broker once a minute for each device",
    "goosebit stores per poll": "an update of the device's row: when and from where it was seen last",
}


@dataclass(frozen=True)
class _Server:
    """`offer` makes the update wait for every device, `updated` counts those that have closed with success."""

    port: int
    tenant: str
    tokens: Path
    offer: Callable[[], Awaitable[None]]
    updated: Callable[[], Awaitable[int]]
    patience_s: float

    async def load(self, work: str, *, seconds: float | None = None) -> "_Done":
        """Begins nothing after `seconds`, by default its patience."""
        answer = await child.run(
            "ddi_load",
            host=LOOPBACK,
            port=self.port,
            tenant=self.tenant,
            tokens=str(self.tokens),
            connections=_CONNECTIONS,
            work=work,
            seconds=seconds or self.patience_s,
        )
        return _Done(**answer)


@dataclass(frozen=True)
class _Done:
    """So many devices, or polls, and how many requests were refused for the moment and sent again."""

    done: int
    seconds: float
    refused: int

    @property
    def rate(self) -> float:
        return self.done / self.seconds


async def measure(platform: Platform, *, devices: int, seconds: float, rounds: int) -> list[Row]:
    tokens = await platform.enrol("ddi", devices)
    polls: dict[str, list[float]] = {"goosebit": [], "ours": []}
    with tempfile.TemporaryDirectory(prefix="muster-ddi-") as name:
        directory = Path(name)
        async with (
            _goosebit(platform, directory, tokens) as other,
            _ours(platform, directory, tokens) as own,
        ):
            servers = {"goosebit": other, "ours": own}
            registered = {kind: await server.load("register", seconds=_OWN_S) for kind, server in servers.items()}
            for _ in range(rounds):
                for kind, server in servers.items():
                    polls[kind].append((await server.load("poll", seconds=seconds)).rate)
            updated = {kind: await _update(kind, server) for kind, server in servers.items()}
    if updated["ours"].done != devices:
        raise RuntimeError(f"ours: {updated['ours'].done} of {devices} devices were updated in {_OWN_S:.0f} s")
    facts: dict[str, object] = {"devices": devices, **_FACTS}
    for kind in polls:
        facts[f"{kind} registers"] = f"{registered[kind].rate:.1f} devices/s"
        facts[f"{kind} updated"] = updated[kind].done
        facts[f"{kind} refused for the moment"] = registered[kind].refused + updated[kind].refused
    updates = {kind: [one.rate] for kind, one in updated.items()}
    return [
        _row("DDI base polls", "polls/s", polls, facts),
        _row(f"DDI update of {devices:,} devices, poll to closed success", "devices/s", updates, facts),
    ]


async def _update(kind: str, server: _Server) -> _Done:
    """Raises RuntimeError when the server knows of more or fewer devices that have closed with success."""
    await server.offer()
    answer = await server.load("update")
    if (known := await server.updated()) != answer.done:
        raise RuntimeError(f"{kind}: {answer.done} devices have closed with success, and {known} are known to have")
    return answer


def _row(what: str, unit: str, rates: dict[str, list[float]], facts: dict[str, object]) -> Row:
    other, own = (Figure(name, unit, samples) for name, samples in rates.items())
    return Row(what, [other, own], [Aim(own, 1.0, other)], facts)


@asynccontextmanager
async def _goosebit(platform: Platform, directory: Path, uids: dict[str, str]) -> AsyncGenerator[_Server]:
    async with goosebit.started(platform.info["postgres"], directory, uids, _IMAGE) as known:
        yield _Server(known.port, "DEFAULT", known.tokens, known.roll_out, known.updated, _OTHER_S)


@asynccontextmanager
async def _ours(platform: Platform, directory: Path, tokens: dict[str, str]) -> AsyncGenerator[_Server]:
    """Asked past the gateway: goosebit has none."""
    known = directory / "tokens.json"
    known.write_text(json.dumps(tokens))
    headers = {"Authorization": f"Bearer {platform.access_token()}"}
    sql = await asyncpg.connect(f"{platform.info['postgres']}/ota_service")
    uids = list(tokens)

    async def in_state(state: str) -> int:
        query = "select count(*) from update_sessions where device_uid = any($1) and state = $2"
        return await sql.fetchval(query, uids, state)

    async with httpx.AsyncClient(
        base_url=platform.info["gateway"], headers=headers, timeout=120, trust_env=False
    ) as client:

        async def offer() -> None:
            firmware_id = await update_fleet.firmware(client, "ddi-bench", _IMAGE)
            body = {"name": "ddi-bench", "firmware_id": firmware_id, "device_ids": uids}
            (await client.post(update_fleet.BATCHES, json=body)).raise_for_status()

            async def waits() -> bool:
                return await in_state("initiated") == len(uids)

            await eventually(waits, timeout=_PATIENCE_S, interval=0.2)

        tenant = (await client.get("/api/v2/auth/me")).raise_for_status().json()["organization"]["slug"]
        port = Endpoint.parse(platform.info["ota_service"].removeprefix("http://")).port
        yield _Server(port, tenant, known, offer, lambda: in_state("completed"), _OWN_S)
    await sql.close()
