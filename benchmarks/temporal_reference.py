"""The same mass configuration by Temporal: one workflow a device with one activity, on a development server.

Runs in an environment of its own (`benchmarks/temporal-requirements.txt`), for nothing else here needs Temporal:
`python temporal_reference.py PORT DIRECTORY COUNT` prints the seconds from the first start to the last result as JSON.
The server keeps its state in a file, as ours keeps its own in a database.
"""

import asyncio
import json
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

QUEUE = "configuration"
STARTS = 200
"""Starts under way at a time."""
PATIENCE_S = 60.0


@activity.defn
async def configure(uid: str) -> str:
    return uid


@workflow.defn
class ConfigureDevice:
    @workflow.run
    async def run(self, uid: str) -> str:
        return await workflow.execute_activity(configure, uid, start_to_close_timeout=timedelta(minutes=5))


async def main(port: int, directory: Path, count: int) -> None:
    server = subprocess.Popen(  # noqa: ASYNC220 - it ends with this process
        [
            str(Path(sys.executable).with_name("temporal")),
            *("server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port)),
            *("--db-filename", str(directory / "temporal.db"), "--log-level", "error"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        client = await connected(f"127.0.0.1:{port}")
        async with Worker(
            client,
            task_queue=QUEUE,
            workflows=[ConfigureDevice],
            activities=[configure],
            max_concurrent_activities=200,
            max_concurrent_workflow_tasks=200,
        ):
            turns = asyncio.Semaphore(STARTS)

            async def one(number: int) -> None:
                async with turns:
                    handle = await client.start_workflow(
                        ConfigureDevice.run, f"bench-{number}", id=f"configure-{number}", task_queue=QUEUE
                    )
                await handle.result()

            began = time.perf_counter()
            await asyncio.gather(*map(one, range(count)))
            print(json.dumps({"seconds": time.perf_counter() - began}))
    finally:
        server.terminate()
        server.wait()


async def connected(address: str) -> Client:
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await Client.connect(address)
        except RuntimeError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.2)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
