"""The programs of one stack, wired together from its directory, ports, credentials and settings."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from muster_stack.addresses import Addresses, explicit_servers, resolve
from muster_stack.credentials import Credentials
from muster_stack.gateway import Gateway
from muster_stack.layout import Layout
from muster_stack.mongodb import MongoDB
from muster_stack.ports import Ports
from muster_stack.postgres import Postgres
from muster_stack.rabbitmq import Epmd, RabbitMQ, RabbitPorts
from muster_stack.redis import Redis
from muster_stack.server import Server
from muster_stack.services import KINDS, SERVICES, ServiceProcess


@dataclass(frozen=True)
class Servers:
    """`stores` are those the stack starts itself, each with what must run before it."""

    addresses: Addresses
    stores: Mapping[str, tuple[Server, ...]]
    services: tuple[ServiceProcess, ...]
    gateway: Gateway

    @property
    def with_database(self) -> list[ServiceProcess]:
        """The processes that need migrations before they start."""
        return [process for process in self.services if process.service.database is not None]

    def by_name(self) -> dict[str, Server]:
        servers = [server for lane in self.stores.values() for server in lane]
        return {server.name: server for server in (*servers, *self.services, self.gateway)}


_INSIDE = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
"""On one's own machine, sites and webhooks are on the same machine or network."""


def wire(layout: Layout, ports: Ports, credentials: Credentials, settings: Mapping[str, str]) -> Servers:
    """Raises ValueError when the settings contradict each other."""
    addresses = resolve(ports, credentials, settings)
    stores: dict[str, tuple[Server, ...]] = {
        "postgres": (Postgres(layout.data / "postgres", ports["postgres"], credentials.postgres),),
        "redis": (Redis(layout.data / "redis", ports["redis"], credentials.redis),),
        "mongodb": (MongoDB(layout.data / "mongodb", ports["mongodb"]),),
        "rabbitmq": (Epmd(layout.data / "epmd", ports["epmd"]), _rabbitmq(layout, ports, credentials)),
    }
    given = explicit_servers(settings)
    return Servers(
        addresses=addresses,
        stores={name: lane for name, lane in stores.items() if name not in given},
        services=tuple(_services(layout, ports, credentials, addresses, settings)),
        gateway=_gateway(layout, ports, addresses),
    )


def _rabbitmq(layout: Layout, ports: Ports, credentials: Credentials) -> RabbitMQ:
    numbers = RabbitPorts(
        amqp=ports["amqp"],
        mqtt=ports["mqtt"],
        management=ports["management"],
        prometheus=ports["prometheus"],
        distribution=ports["distribution"],
        epmd=ports["epmd"],
        authorisation=ports["device-management"],
    )
    return RabbitMQ(layout.data / "rabbitmq", numbers, credentials.broker)


def _gateway(layout: Layout, ports: Ports, addresses: Addresses) -> Gateway:
    upstreams = {
        "DEVICE_MANAGEMENT": addresses.device_management,
        "OTA_SERVICE": addresses.ota_service,
        "MONITORING": addresses.monitoring,
    }
    return Gateway(
        layout.data / "gateway", ports["gateway"], {name: urlsplit(url).netloc for name, url in upstreams.items()}
    )


def _services(
    layout: Layout, ports: Ports, credentials: Credentials, addresses: Addresses, settings: Mapping[str, str]
) -> list[ServiceProcess]:
    """What `settings` says and the stack does not decide reaches all of them."""
    origin = urlsplit(addresses.gateway)
    common = {
        "MUSTER_ALLOWED_ORIGINS": json.dumps([addresses.gateway, f"http://localhost:{origin.port}"]),
        "MUSTER_LOG_FORMAT": "console",
        "MUSTER_ALLOWED_NETWORKS": json.dumps(_INSIDE),
        **settings,
        "MUSTER_HOST": str(origin.hostname),
        "MUSTER_SHARES_PORTS": "true",
        "MUSTER_KEYS_DIR": str(layout.keys),
        "MUSTER_POSTGRES_URL": addresses.postgres,
        "MUSTER_REDIS_URL": addresses.redis,
        "MUSTER_AMQP_URL": addresses.amqp,
        "MUSTER_MONGODB_URL": addresses.mongodb,
    }
    own = {
        "device-management": {
            "MUSTER_ADMIN_EMAIL": credentials.admin_email,
            "MUSTER_ADMIN_PASSWORD": credentials.admin_password,
            "MUSTER_BROKER_MANAGEMENT_URL": addresses.broker_admin,
            "MUSTER_GRPC_PORT": str(ports["grpc"]),
        },
        "ota-service": {"MUSTER_FIRMWARE_STORE": settings.get("MUSTER_FIRMWARE_STORE", layout.firmware.as_uri())},
        "monitoring": {"MUSTER_BROKER_MANAGEMENT_URL": addresses.broker_monitor},
    }
    return [
        ServiceProcess(
            service=service,
            kind=kind,
            port=ports[service.name if kind == "api" else f"{service.name}-{kind}"],
            directory=layout.data / service.name,
            settings=common | own.get(service.name, {}),
        )
        for service in SERVICES
        for kind in KINDS
    ]
