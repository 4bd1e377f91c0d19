"""Which ports a stack needs, and the numbers it gets."""

from collections.abc import Callable
from dataclasses import dataclass

from muster_stack.ports import Ports, becomes_free
from muster_stack.processes import Processes


@dataclass(frozen=True)
class Port:
    """A port of the stack: the process that listens there, and the number that people expect."""

    name: str
    process: str
    canonical: int


PORTS = (
    Port("gateway", "gateway", 8000),
    Port("device-management", "device-management-api", 8001),
    Port("ota-service", "ota-service-api", 8002),
    Port("monitoring", "monitoring-api", 8003),
    Port("device-management-worker", "device-management-worker", 9001),
    Port("ota-service-worker", "ota-service-worker", 9002),
    Port("monitoring-worker", "monitoring-worker", 9003),
    Port("grpc", "device-management-api", 50051),
    Port("postgres", "postgres", 5432),
    Port("redis", "redis", 6379),
    Port("mongodb", "mongodb", 27017),
    Port("amqp", "rabbitmq", 5672),
    Port("mqtt", "rabbitmq", 1883),
    Port("management", "rabbitmq", 15672),
    Port("prometheus", "rabbitmq", 15692),
    Port("distribution", "rabbitmq", 25672),
    Port("epmd", "epmd", 4369),
)


def allocate(ports: Ports, processes: Processes, *, canonical: bool, say: Callable[[str], None]) -> None:
    """Gives every port a number: the one it had, else the canonical one if asked for and free, else any free one.

    A number on which a stranger listens by now is given up, and said so.
    """
    for port in PORTS:
        if processes.pid(port.process) is not None:
            continue
        processes.stop([port.process])  # what a killed one left may still listen
        kept = ports.get(port.name)
        number = ports.reserve(port.name, preferred=port.canonical if canonical else None)
        if kept is not None and not becomes_free(kept):
            number = ports.replace(port.name)
            say(f"port {kept} is taken: {port.name} moves to {number}")
        elif kept is None and canonical and number != port.canonical:
            say(f"port {port.canonical} is taken: {port.name} uses {number}")
