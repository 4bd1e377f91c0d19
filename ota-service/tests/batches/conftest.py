"""What the tests of batches do: make one, let workers step, and be its devices."""

import pytest

from ota_service.batch_runs.jobs import BatchSteps


@pytest.fixture
def steps(app) -> BatchSteps:
    """All that a worker can do for batches now."""
    return BatchSteps(app.state.scopes)


@pytest.fixture
async def fleet(add_devices, add_firmware) -> int:
    """Three devices that may be updated, and the firmware for them."""
    await add_devices("pump-1", "pump-2", "pump-3")
    return (await add_firmware()).id


@pytest.fixture
def order(person, fleet):
    """Makes a batch of all that there are, unless it says otherwise."""

    async def order(**differs):
        target = {} if differs.keys() & {"device_ids", "rql", "group"} else {"rql": 'like(device_uid,"*")'}
        body = {"name": "spring", "firmware_id": fleet, **target, **differs}
        answer = await person.post("/api/v2/updates/batches", json=body)
        assert answer.status_code == 202, answer.text
        return answer.json()

    return order


@pytest.fixture
def look(person):
    async def look(batch_id):
        return (await person.get(f"/api/v2/updates/batches/{batch_id}")).json()

    return look


@pytest.fixture
def states(look):
    """The state of each device of a batch, by uid, with the reason if there is one."""

    async def states(batch_id):
        devices = (await look(batch_id))["devices"]["items"]
        return {
            row["device_uid"]: f"{row['state']} {row['reason']}" if row["reason"] else row["state"] for row in devices
        }

    return states


@pytest.fixture
def finish(device, look):
    """Devices that carry their updates out, or say why not."""

    async def finish(batch_id, *uids, failing=()):
        rows = {row["device_uid"]: row for row in (await look(batch_id))["devices"]["items"]}
        for uid in uids:
            said = ("fail",) if uid in failing else ("ack", "downloading", "flashed", "complete")
            for verb in said:
                answer = await device(uid).say(rows[uid]["session_id"], verb)
                assert answer.status_code == 200, answer.text

    return finish
