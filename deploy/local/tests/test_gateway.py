"""The gateway and the services behind it."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from muster_stack.gateway import Gateway
from muster_stack.layout import REPOSITORY
from muster_stack.ports import any_free
from muster_stack.processes import Processes
from shared.http.server import KEEP_ALIVE_SECONDS


def test_a_service_keeps_idle_connections_for_longer_than_the_gateway_does():
    template = (REPOSITORY / "deploy" / "gateway" / "nginx.conf.template").read_text()
    upstreams = re.findall(r"upstream \w+ \{.*?\n    \}", template, re.DOTALL)
    assert len(upstreams) == 3
    for upstream in upstreams:
        (seconds,) = re.findall(r"keepalive_timeout (\d+)s;", upstream)
        assert int(seconds) + 10 <= KEEP_ALIVE_SECONDS


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of one before services that are away."""
    port = any_free()
    nobody = f"127.0.0.1:{any_free((port,))}"
    upstreams = {"DEVICE_MANAGEMENT": nobody, "OTA_SERVICE": nobody, "MONITORING": nobody}
    gateway = Gateway(tmp_path / "gateway", port, upstreams)
    processes = Processes(tmp_path / "run", tmp_path / "logs")
    gateway.prepare()
    processes.start(gateway.spec())
    try:
        processes.wait_ready("gateway", gateway.ready, timeout=60)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            yield client
    finally:
        processes.stop(["gateway"])


def test_what_the_gateway_itself_refuses_is_told_as_the_services_tell_it(gateway: httpx.Client):
    away = gateway.get("/api/v2/devices")
    large = gateway.post("/api/v2/devices", content=b"x" * 2_100_000)
    unreadable = gateway.get("/api/v2/devices/%00")
    long = gateway.get("/api/v2/devices", params={"rql": "x" * 33_000})
    laden = gateway.get("/api/v2/devices", headers={"Idempotency-Key": "x" * 33_000})
    answers = (away, large, unreadable, long, laden)
    told = [(each.status_code, each.json()["status"], each.json()["code"]) for each in answers]
    assert told == [
        (503, 503, "service_unavailable"),
        (413, 413, "body_too_large"),
        (400, 400, "bad_request"),
        (414, 414, "address_too_long"),
        (431, 431, "header_too_large"),
    ]
    assert away.headers["content-type"] == "application/problem+json"
    assert away.headers["retry-after"] == "5"
    assert gateway.get("/problems/bad_request").status_code == 404
