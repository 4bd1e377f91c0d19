"""What the gateway says of a service that is there and does not answer."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from muster_stack import gateway as gateway_module
from muster_stack.gateway import TEMPLATE, Gateway
from muster_stack.ports import any_free
from muster_stack.processes import Processes


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of one that waits for a tenth of a second, before a service that takes requests and answers none."""
    template, waits = TEMPLATE.read_text(), "proxy_read_timeout 75s;"
    assert waits in template
    shorter = tmp_path / "template"
    shorter.write_text(template.replace(waits, "proxy_read_timeout 100ms;"))
    monkeypatch.setattr(gateway_module, "TEMPLATE", shorter)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        service = f"127.0.0.1:{silent.getsockname()[1]}"
        upstreams = {"DEVICE_MANAGEMENT": service, "OTA_SERVICE": service, "MONITORING": service}
        gateway = Gateway(tmp_path / "gateway", any_free(), upstreams)
        processes = Processes(tmp_path / "run", tmp_path / "logs")
        gateway.prepare()
        processes.start(gateway.spec())
        try:
            processes.wait_ready("gateway", gateway.ready, timeout=60)
            yield f"http://127.0.0.1:{gateway.port}"
        finally:
            processes.stop(["gateway"])


def test_a_service_that_does_not_answer_in_time_is_a_problem_document_that_promises_nothing(gateway: str):
    answer = httpx.get(f"{gateway}/api/v2/devices", timeout=60)
    assert answer.status_code == 504
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["code"], problem["type"]) == (
        504,
        "gateway_timeout",
        "urn:muster:problem:gateway_timeout",
    )
    assert "may have been done" in problem["detail"]
