"""A batch of updates from its start to the last open session with its event published, against the same, bare.

Bare are the inserts of the same rows into tables of the same shape, a thousand at a time with a commit each, and after
them the confirmed publishing of the same events.
"""

from benchmarks.figures import Aim, Figure, Row
from benchmarks.update_fleet import BATCHES, PATIENCE_S, UpdateFleet
from shared.testing import eventually

_UNIT = "devices/s"


async def measure(fleet: UpdateFleet, *, rounds: int) -> Row:
    bare: list[float] = []
    opened: list[float] = []
    for _ in range(rounds):
        batch = await _chosen(fleet)
        seconds = await fleet.seconds_to_open(
            f"{BATCHES}/{batch}/start",
            lambda batch=batch: fleet.sql.fetchval("select initiated from update_batches where id = $1", batch),
            fleet.count,
        )
        opened.append(fleet.count / seconds)
        bare.append(fleet.count / await fleet.seconds_bare([batch]))
        await fleet.end(f"{BATCHES}/{batch}/cancel")
    ceiling = Figure("the same inserts and publishes, bare", _UNIT, bare)
    figure = Figure("batch started to last session open and told", _UNIT, opened)
    return Row(
        f"Batch of updates of {fleet.count:,} devices",
        [ceiling, figure],
        [Aim(figure, 0.4, ceiling)],
        {"devices": fleet.count},
    )


async def _chosen(fleet: UpdateFleet) -> int:
    """A batch that has taken its devices in and waits for its start."""
    query = f'eq(attributes/place,"{fleet.place}")'
    body = {"name": fleet.place, "firmware_id": fleet.firmware_id, "rql": query, "start_at": "2099-01-01T00:00:00Z"}
    batch: int = (await fleet.client.post(BATCHES, json=body)).raise_for_status().json()["id"]

    async def chosen() -> bool:
        return await fleet.sql.fetchval(
            "select chosen_to is null and pending = $2 from update_batches where id = $1", batch, fleet.count
        )

    await eventually(chosen, timeout=PATIENCE_S)
    return batch
