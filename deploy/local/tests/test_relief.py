"""A stack that is brought up over a running one: what is replaced, in which order, and who notices."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from types import MappingProxyType
from unittest.mock import Mock

import httpx
import pytest

from muster_stack import stack as stack_module
from muster_stack.ports import any_free, may_be_shared
from muster_stack.processes import Processes, Spec
from muster_stack.programs import of_this_environment
from muster_stack.server import Server, ensure
from muster_stack.services import Service, ServiceProcess
from muster_stack.stack import Stack

_API = """
import os
from fastapi import FastAPI
from shared.http.server import serve
from shared.settings import ServiceSettings

app = FastAPI()
app.get("/readyz")(lambda: os.getpid())
serve(app, service="small", settings=ServiceSettings())
"""


class SmallApi(ServiceProcess):
    """An api that is served as the services' are, and answers with its pid."""

    def spec(self) -> Spec:
        env = {"PATH": "", "MUSTER_PORT": str(self.port), **self.settings}
        argv = (str(of_this_environment("python")), "-c", _API)
        return Spec(self.name, argv, cwd=self.directory, env=env)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(tmp_path / "run", tmp_path / "logs")
    yield processes
    processes.stop(processes.known())


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., SmallApi]:
    port = any_free()

    def small(revision: int, *, shares: bool = True) -> SmallApi:
        settings = {"MUSTER_SHARES_PORTS": json.dumps(shares), "REVISION": str(revision)}
        return SmallApi(Service("small", "small"), "api", port, tmp_path, settings)

    return small


def test_an_api_is_relieved_without_a_moment_in_which_nobody_answers(
    processes: Processes, small: Callable[..., SmallApi]
):
    ensure(processes, small(1))
    first, over, url = processes.pid("small-api"), Event(), f"http://127.0.0.1:{small(1).port}/readyz"
    answers: list[int] = []
    refused: list[httpx.ConnectError] = []

    def ask() -> None:
        while not over.is_set():
            try:
                answers.append(httpx.get(url, trust_env=False, timeout=60).json())
            except httpx.ConnectError as error:
                refused.append(error)
            except (httpx.ReadError, httpx.RemoteProtocolError):
                continue  # the one that ended had accepted it, and had not read it yet

    asking = Thread(target=ask)
    asking.start()
    assert ensure(processes, small(2))
    over.set()
    asking.join()
    second = processes.pid("small-api")
    assert first != second
    assert refused == []
    assert first in answers
    assert set(answers) <= {first, second}
    assert not ensure(processes, small(2))


def test_one_that_shares_its_port_with_nobody_is_ended_first(processes: Processes, small: Callable[..., SmallApi]):
    ensure(processes, small(1, shares=False))
    assert not may_be_shared(small(1).port)
    assert ensure(processes, small(2))
    assert processes.known() == ["small-api"]


@dataclass(frozen=True)
class Named:
    name: str

    def spec(self) -> Spec:
        return Spec(self.name, (), cwd=Path("/"))


class Wired:
    """All programs of a stack by their names, none of which does anything."""

    stores = MappingProxyType({name: (Named(name),) for name in ("rabbitmq", "postgres", "redis", "mongodb")})
    services = (Named("device-management-api"), Named("device-management-worker"))
    gateway = Named("gateway")
    with_database = ()
    addresses = Mock()


def test_a_broker_that_is_to_run_otherwise_is_restarted_by_itself_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    said: list[str] = []
    order: list[str] = []
    outdated = {"rabbitmq", "device-management-api", "device-management-worker"}
    stack = Stack(tmp_path, {}, say=said.append)

    def ensure(_processes: Processes, server: Server) -> bool:
        order.append(server.name)
        return server.name in outdated

    def is_current(spec: Spec) -> bool:
        return spec.name not in outdated

    Wired.addresses.description.return_value = {}
    monkeypatch.setattr(stack_module, "ensure", ensure)
    for replaced, answer in {"_install": None, "_prepare": Wired(), "_credentials": None}.items():
        monkeypatch.setattr(stack, replaced, Mock(return_value=answer))
    monkeypatch.setattr(stack.processes, "pid", Mock(return_value=1))
    monkeypatch.setattr(stack.processes, "is_current", is_current)
    assert set(stack.up()) == outdated
    assert set(order[:3]) == {"postgres", "redis", "mongodb"}
    assert order[3] == "rabbitmq"
    assert "rabbitmq is to run otherwise by now: it is restarted, and devices are cut off until it is ready" in said
    assert "device-management-api is to run otherwise by now: a new process relieves it" in said
    assert "device-management-worker is to run otherwise by now: it is restarted" in said
