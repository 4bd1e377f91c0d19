"""Where everything of a stack answers: at the stack's own ports, or where an explicit `MUSTER_*_URL` says."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from muster_stack.credentials import Credentials
from muster_stack.ports import LOOPBACK, Ports
from muster_stack.rabbitmq import ADMIN_USER, MONITOR_USER, SERVICE_USER

# The server that an explicit URL stands in for, by the setting that holds it.
EXPLICIT = {
    "MUSTER_POSTGRES_URL": "postgres",
    "MUSTER_REDIS_URL": "redis",
    "MUSTER_AMQP_URL": "rabbitmq",
    "MUSTER_MONGODB_URL": "mongodb",
}


@dataclass(frozen=True)
class Addresses:
    """URLs; `mqtt` and `grpc` are host:port."""

    gateway: str
    device_management: str
    ota_service: str
    monitoring: str
    grpc: str
    postgres: str
    redis: str
    amqp: str
    mqtt: str
    broker_admin: str
    broker_monitor: str
    mongodb: str

    @property
    def dashboard(self) -> str:
        return f"{self.gateway}/"

    def description(self, credentials: Credentials) -> dict[str, object]:
        """What stack.json says."""
        return {
            "gateway": self.gateway,
            "device_management": self.device_management,
            "ota_service": self.ota_service,
            "monitoring": self.monitoring,
            "dashboard": self.dashboard,
            "amqp": self.amqp,
            "mqtt": self.mqtt,
            "grpc": self.grpc,
            "postgres": self.postgres,
            "redis": self.redis,
            "mongodb": self.mongodb,
            "admin": {"email": credentials.admin_email, "password": credentials.admin_password},
        }


def explicit_servers(settings: Mapping[str, str]) -> set[str]:
    """The servers that the stack does not start, because their address is given."""
    return {server for setting, server in EXPLICIT.items() if settings.get(setting)}


def resolve(ports: Ports, credentials: Credentials, settings: Mapping[str, str]) -> Addresses:
    """Raises ValueError when a given broker lacks the address of its management."""

    def http(name: str) -> str:
        return f"http://{LOOPBACK}:{ports[name]}"

    def broker_user(user: str) -> str:
        return f"{user}:{credentials.broker[user]}@{LOOPBACK}"

    management = settings.get("MUSTER_BROKER_MANAGEMENT_URL")
    amqp = settings.get("MUSTER_AMQP_URL")
    if amqp and not management:
        raise ValueError(
            "MUSTER_AMQP_URL needs MUSTER_BROKER_MANAGEMENT_URL (http://user:password@host:port) beside it"
        )
    return Addresses(
        gateway=http("gateway"),
        device_management=http("device-management"),
        ota_service=http("ota-service"),
        monitoring=http("monitoring"),
        grpc=f"{LOOPBACK}:{ports['grpc']}",
        postgres=settings.get("MUSTER_POSTGRES_URL")
        or f"postgresql://muster:{credentials.postgres}@{LOOPBACK}:{ports['postgres']}",
        redis=settings.get("MUSTER_REDIS_URL") or f"redis://:{credentials.redis}@{LOOPBACK}:{ports['redis']}/0",
        amqp=amqp or f"amqp://{broker_user(SERVICE_USER)}:{ports['amqp']}/",
        mqtt=settings.get("MUSTER_MQTT_ADDRESS") or _mqtt(amqp, ports),
        broker_admin=management or f"http://{broker_user(ADMIN_USER)}:{ports['management']}",
        broker_monitor=management or f"http://{broker_user(MONITOR_USER)}:{ports['management']}",
        mongodb=settings.get("MUSTER_MONGODB_URL") or f"mongodb://{LOOPBACK}:{ports['mongodb']}",
    )


def _mqtt(amqp: str | None, ports: Ports) -> str:
    if amqp is None:
        return f"{LOOPBACK}:{ports['mqtt']}"
    return f"{urlsplit(amqp).hostname}:1883"
