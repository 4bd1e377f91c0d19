"""Many devices, made from one."""

import pytest


@pytest.fixture
def copies(sql):
    """Copies the device of that uid, as `<uid>-1` and on."""

    async def copy(uid: str, count: int) -> list[str]:
        await sql.execute(
            """
            insert into devices
            select (jsonb_populate_record(device, jsonb_build_object(
                'id', nextval(pg_get_serial_sequence('devices', 'id')), 'device_uid', $1 || '-' || number
            ))).*
            from devices as device, generate_series(1, $2) as number
            where device.device_uid = $1
            """,
            uid,
            count,
        )
        return [f"{uid}-{number}" for number in range(1, count + 1)]

    return copy
