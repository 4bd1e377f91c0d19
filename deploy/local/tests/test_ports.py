"""Ports: chosen once, kept, and given up only to a stranger."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from muster_stack.allocation import PORTS, allocate
from muster_stack.ports import LOOPBACK, Ports, any_free, becomes_free, is_free, is_listening
from muster_stack.processes import Processes


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


def test_a_reserved_port_stays_the_same_in_the_next_command(tmp_path: Path):
    first = Ports(tmp_path / "ports.json").reserve("amqp")
    assert Ports(tmp_path / "ports.json").reserve("amqp") == first


def test_names_never_share_a_port(tmp_path: Path):
    ports = Ports(tmp_path / "ports.json")
    assert len({ports.reserve(f"server-{number}") for number in range(50)}) == 50


def test_the_preferred_port_is_taken_when_it_is_free(tmp_path: Path):
    free = any_free()
    assert Ports(tmp_path / "ports.json").reserve("gateway", preferred=free) == free


def test_another_port_is_taken_when_somebody_listens_on_the_preferred_one(tmp_path: Path, taken: int):
    assert Ports(tmp_path / "ports.json").reserve("gateway", preferred=taken) != taken


def test_a_port_is_free_until_somebody_listens(taken: int):
    assert not is_free(taken)
    assert is_listening(taken)
    assert not is_listening(any_free())


def test_a_port_that_another_process_has_chosen_is_free_and_yet_not_chosen():
    chosen = any_free()
    assert is_free(chosen)
    choose = f"from muster_stack import ports; ports._FREE = [{chosen}]; ports.any_free()"
    finished = subprocess.run([sys.executable, "-c", choose], check=False, capture_output=True, text=True)
    assert "NoFreePort" in finished.stderr


def test_a_port_that_is_being_closed_is_not_given_up():
    with socket.create_server((LOOPBACK, 0)) as server, ThreadPoolExecutor() as pool:
        waiting = pool.submit(becomes_free, server.getsockname()[1], 30)
        server.close()
        assert waiting.result()


def test_a_stack_of_ones_own_takes_no_canonical_port(tmp_path: Path):
    ports = _allocated(tmp_path, canonical=False)
    assert not {ports[port.name] for port in PORTS} & {port.canonical for port in PORTS}


def test_a_kept_port_that_a_stranger_took_is_given_up_and_said_so(tmp_path: Path, taken: int):
    ports = _allocated(tmp_path, canonical=False)
    path = tmp_path / "ports.json"
    path.write_text(path.read_text().replace(str(ports["amqp"]), str(taken)))
    said: list[str] = []
    allocate(after := Ports(path), _processes(tmp_path), canonical=False, say=said.append)
    assert after["amqp"] != taken
    assert said == [f"port {taken} is taken: amqp moves to {after['amqp']}"]


def _allocated(directory: Path, *, canonical: bool) -> Ports:
    ports = Ports(directory / "ports.json")
    allocate(ports, _processes(directory), canonical=canonical, say=lambda _line: None)
    return ports


def _processes(directory: Path) -> Processes:
    return Processes(directory / "run", directory / "logs")
