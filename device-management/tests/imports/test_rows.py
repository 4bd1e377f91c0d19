"""What a file's rows may say, and how they are taken in whatever the database last counted."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

Send = Callable[..., Awaitable[dict[str, Any]]]


async def refused(client: httpx.AsyncClient, job: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await client.get(f"/api/v2/imports/{job['id']}/errors")
    return answer.raise_for_status().json()["items"]


async def test_a_large_file_is_taken_though_the_database_knows_the_rows_of_another_alone(
    admin: httpx.AsyncClient, send: Send, sql: Any
):
    earlier = await send("device_uid\ngate-1\n")
    await sql.execute("alter table import_rows set (autovacuum_enabled = false)")
    rows = "insert into import_rows (import_id, number, line) select $1, n, n from generate_series(10, 20000) n"
    await sql.execute(rows, earlier["id"])
    await sql.execute("analyze import_rows")
    await sql.execute("delete from import_rows where import_id = $1", earlier["id"])
    file = "device_uid\n" + "".join(f"pump-{n}\n" for n in range(8_990)) + "pump-0\n"
    job = await admin.post("/api/v2/imports", content=file, headers={"Content-Type": "text/csv"})
    assert job.status_code == 202, job.text
    told = [(row["line"], row["device_uid"], row["code"]) for row in await refused(admin, job.json())]
    assert told == [(8_992, "pump-0", "device_uid_repeated")]


async def test_a_row_begins_a_life_and_is_refused_by_the_name_of_its_column(admin: httpx.AsyncClient, send: Send):
    job = await send("device_uid,lifecycle\npump-1,Maintenance\npump-2,busy\npump-3,retired\npump-4,\n")
    reason = "lifecycle: must be one of in_stock, deployed, maintenance, in either case"
    told = [(row["device_uid"], row["error"]) for row in await refused(admin, job)]
    assert told == [("pump-2", reason), ("pump-3", reason)]
    begun = [(await admin.get(f"/api/v2/devices/{uid}")).json()["lifecycle"] for uid in ("pump-1", "pump-4")]
    assert begun == ["maintenance", "in_stock"]
