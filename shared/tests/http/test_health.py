"""What a process says of itself to who looks after it."""

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import Counter

from shared.http import health

PUMPED = Counter("test_pumped_litres_total", "Counted by these tests alone", ["pump"])
SPILT = Counter("test_spilt_litres_total", "Counted by these tests alone")


@pytest.fixture
async def client():
    app = FastAPI()
    health.install(app, "test")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


def samples(answer: httpx.Response) -> set[str]:
    return {line for line in answer.raise_for_status().text.splitlines() if not line.startswith("#")}


async def test_metrics_are_all_samples_or_those_that_are_named(client: httpx.AsyncClient):
    PUMPED.labels("a").inc(3)
    SPILT.inc()
    everything = samples(await client.get("/metrics"))
    assert {'test_pumped_litres_total{pump="a"} 3.0', "test_spilt_litres_total 1.0"} < everything
    named = samples(await client.get("/metrics", params={"name[]": ["test_pumped_litres_total"]}))
    assert named == {'test_pumped_litres_total{pump="a"} 3.0'}
    both = {"name[]": ["test_pumped_litres_total", "test_spilt_litres_total"]}
    assert samples(await client.get("/metrics", params=both)) == named | {"test_spilt_litres_total 1.0"}
    assert samples(await client.get("/metrics", params={"name[]": "no_such_metric"})) == set()
