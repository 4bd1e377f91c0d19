"""Files of devices through the gateway, as the command line sends and fetches them."""

import asyncio
import csv
import io
import json
import sys
from pathlib import Path
from uuid import uuid4

MUSTER = Path(sys.executable).parent / "muster"
ROWS = 150
NOTE = "n" * 15_000
"""So much that the file is larger than what the gateway lets pass elsewhere."""


async def muster(stack, *arguments: str) -> tuple[int | None, str, str]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        MUSTER, "devices", *arguments, "--stack", str(stack.layout.root), stdout=pipe, stderr=pipe
    )
    output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


async def test_a_fleet_goes_in_and_comes_out_and_going_in_again_changes_nothing(stack, tmp_path):
    prefix = f"zz-{uuid4().hex[:6]}"
    file = tmp_path / "fleet.csv"
    with file.open("w", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["device_uid", "name", "attributes/batch", "attributes/note"])
        writer.writerows([f"{prefix}-{number:03}", f"={number}", prefix, NOTE] for number in range(ROWS))
    assert file.stat().st_size > 2 * 1024 * 1024

    status, output, errors = await muster(stack, "import", str(file), "--json")
    assert status == 0, errors
    job = json.loads(output)
    assert (job["state"], job["created"], job["total"]) == ("completed", ROWS, ROWS)

    status, output, errors = await muster(stack, "search", f'eq(attributes/batch,"{prefix}")', "--json")
    assert (status, json.loads(output)["count"]) == (0, ROWS), errors

    status, exported, errors = await muster(stack, "export", f'eq(attributes/batch,"{prefix}")')
    assert status == 0, errors
    rows = list(csv.DictReader(io.StringIO(exported)))
    assert [row["device_uid"] for row in rows] == [f"{prefix}-{number:03}" for number in range(ROWS)]
    assert rows[7]["name"] == "'=7"

    again = tmp_path / "again.csv"
    again.write_text(exported)
    for unchanged in (file, again):
        status, output, errors = await muster(stack, "import", str(unchanged), "--json")
        assert (status, json.loads(output)["unchanged"]) == (0, ROWS), errors
