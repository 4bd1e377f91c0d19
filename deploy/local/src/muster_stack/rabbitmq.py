"""A private RabbitMQ with MQTT, management, Prometheus and authorisation by device-management, and its epmd.

The platform's own users are in RabbitMQ's internal database; everyone else, that is every device, is asked for at
device-management's /broker/*.
"""

import base64
import json
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import httpx

from muster_stack.ports import LOOPBACK, is_listening
from muster_stack.processes import Spec
from muster_stack.programs import EPMD, RABBITMQ, require
from muster_stack.server import NO_TLS, base_environment

PLUGINS = (
    "rabbitmq_management",
    "rabbitmq_mqtt",
    "rabbitmq_prometheus",
    "rabbitmq_auth_backend_http",
    "rabbitmq_auth_backend_cache",
    "rabbitmq_event_exchange",
    "rabbitmq_consistent_hash_exchange",
)
KEEP_QUESTIONS = (
    "-eval catch(application:ensure_all_started(inets)),"
    "catch(httpc:set_options([{max_sessions,400},{max_keep_alive_length,50}]))."
)
"""For Erlang: the broker keeps 400 connections to device-management at most; a new one is made when 50 wait on each.

Unless told, Erlang's HTTP client keeps two, and makes one of its own for each question that finds five waiting on both:
a fleet that is cut off at once asks 20,000 about its wills. In longer queues a slow answer holds up more logins, and of
more connections all are looked through for each question. No setting of RabbitMQ says so.
"""
COUNT_NO_CHANNELS = (
    "-eval spawn(fun()->rabbit:await_startup(),"
    "gen_event:delete_handler(rabbit_event,rabbit_channel_tracking_handler,[])end)."
)
"""For Erlang: the broker does not count the channels of each user. Only a limit of them needs it, and there is none.

RabbitMQ 3.10 looks through the channels of all for each one that ends, and its MQTT opens two for a device: 10,000
devices that are cut off at once cost it a minute. RabbitMQ 4 opens none.
"""
ADVANCED = "[{rabbitmq_auth_backend_cache, [{cache_module_args, [600000]}]}].\n"
"""What no setting says: the cache of answers has a table for those of ten minutes, in milliseconds."""
SERVICE_USER = "muster"
ADMIN_USER = "muster-admin"
MONITOR_USER = "muster-monitor"
USERS = (SERVICE_USER, ADMIN_USER, MONITOR_USER)
_TAGS = {SERVICE_USER: "", ADMIN_USER: "administrator", MONITOR_USER: "monitoring"}
_EVERYTHING = {"configure": ".*", "write": ".*", "read": ".*"}


@dataclass(frozen=True)
class RabbitPorts:
    amqp: int
    mqtt: int
    management: int
    prometheus: int
    distribution: int
    epmd: int
    authorisation: int
    """Where device-management answers /broker/*."""


@dataclass(frozen=True)
class Epmd:
    """Erlang's port mapper, in the foreground and on a port of its own, so that it ends with the stack."""

    directory: Path
    port: int
    name: str = "epmd"

    def spec(self) -> Spec:
        return Spec(
            name=self.name,
            argv=(str(require(EPMD)), "-address", LOOPBACK, "-port", str(self.port)),
            cwd=self.directory,
            env=base_environment(self.directory),
            stop_seconds=2,
        )

    def prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)

    def ready(self) -> bool:
        return is_listening(self.port)


@dataclass(frozen=True)
class RabbitMQ:
    """`passwords` holds one for each of the three users."""

    directory: Path
    ports: RabbitPorts
    passwords: dict[str, str]
    name: str = "rabbitmq"

    @property
    def url(self) -> str:
        return f"amqp://{SERVICE_USER}:{self.passwords[SERVICE_USER]}@{LOOPBACK}:{self.ports.amqp}/"

    def management_url(self, user: str = ADMIN_USER) -> str:
        return f"http://{user}:{self.passwords[user]}@{LOOPBACK}:{self.ports.management}"

    def spec(self) -> Spec:
        return Spec(
            name=self.name,
            argv=(str(require(RABBITMQ)),),
            cwd=self.directory,
            env=base_environment(self.directory) | self._environment(),
            stop_seconds=30,
            revision=sha256((self._configuration() + ADVANCED).encode()).hexdigest(),
        )

    def prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._write("rabbitmq.conf", self._configuration())
        self._write("definitions.json", json.dumps(definitions(self.passwords), indent=2))
        self._write("advanced.config", ADVANCED)
        self._write("enabled_plugins", f"[{','.join(PLUGINS)}].\n")
        cookie = self.directory / ".erlang.cookie"
        if not cookie.exists():
            cookie.write_text(secrets.token_hex(16))
            cookie.chmod(0o400)

    def ready(self) -> bool:
        """All three doors are open. MQTT's is the last one."""
        try:
            with httpx.Client(base_url=self.management_url(), timeout=5, trust_env=False, verify=NO_TLS) as client:
                doors = (self.ports.mqtt, self.ports.amqp)
                return all(client.get(f"/api/health/checks/port-listener/{port}").is_success for port in doors)
        except httpx.HTTPError:
            return False

    def _write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.touch(mode=0o600)
        path.write_text(text)

    def _configuration(self) -> str:
        authorisation = f"http://{LOOPBACK}:{self.ports.authorisation}/broker"
        settings = {
            "listeners.tcp.1": f"{LOOPBACK}:{self.ports.amqp}",
            "mqtt.listeners.tcp.1": f"{LOOPBACK}:{self.ports.mqtt}",
            **({"anonymous_login_user": "none"} if _major_version() >= 4 else {"mqtt.allow_anonymous": "false"}),
            # `shared.messaging.messages.MAX_MESSAGE_BYTES`; RabbitMQ's own is 16 MiB, and was 128.
            "max_message_size": 1024 * 1024,
            "mqtt.exchange": "amq.topic",
            "mqtt.tcp_listen_options.backlog": 4096,
            "mqtt.tcp_listen_options.nodelay": "true",
            # The broker reads into a buffer as large as the larger of the two, and each read allocates one.
            "mqtt.tcp_listen_options.sndbuf": 32 * 1024,
            "mqtt.tcp_listen_options.recbuf": 32 * 1024,
            "tcp_listen_options.sndbuf": 192 * 1024,
            "tcp_listen_options.recbuf": 192 * 1024,
            # Whoever names one of these options names them all: these are RabbitMQ's own.
            "tcp_listen_options.backlog": 128,
            "tcp_listen_options.nodelay": "true",
            "tcp_listen_options.linger.on": "true",
            "tcp_listen_options.linger.timeout": 0,
            "tcp_listen_options.exit_on_close": "false",
            "management.tcp.ip": LOOPBACK,
            "management.tcp.port": self.ports.management,
            "prometheus.tcp.ip": LOOPBACK,
            "prometheus.tcp.port": self.ports.prometheus,
            "definitions.import_backend": "local_filesystem",
            "definitions.local.path": self.directory / "definitions.json",
            # Each login is asked about, so a revoked token is refused at once. What a device may do never changes: that
            # is remembered for ten minutes, for a gateway until its next login (device-management tells them apart).
            "auth_backends.1": "internal",
            "auth_backends.2.authn": "http",
            "auth_backends.2.authz": "cache",
            "auth_cache.cached_backend": "http",
            "auth_cache.cache_ttl": 600_000,
            # The usual one is one process that everybody waits for, with a timer for each answer.
            "auth_cache.cache_module": "rabbit_auth_cache_ets_segmented_stateless",
            "auth_http.http_method": "post",
            **{f"auth_http.{what}_path": f"{authorisation}/{what}" for what in ("user", "vhost", "resource", "topic")},
            # Every connection reckons up its statistics that often, and at RabbitMQ's own 5 s they cost more than all
            # else of a device that is quiet. The management API lists new connections as seldom, which presence
            # allows for.
            "collect_statistics_interval": 60_000,
            "disk_free_limit.absolute": "200MB",
            "raft.wal_max_size_bytes": 64 * 1024 * 1024,
            "log.console": "true",
            "log.console.level": "info",
            # Two lines a device that comes and goes: its history is in monitoring. Refused sign-ins are errors.
            "log.connection.level": "warning",
            "log.file": "false",
        }
        return "".join(f"{key} = {value}\n" for key, value in settings.items())

    def _environment(self) -> dict[str, str]:
        home = self.directory
        return {
            "RABBITMQ_NODENAME": "muster@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(self.ports.amqp),
            "RABBITMQ_DIST_PORT": str(self.ports.distribution),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(home / "generated"),
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(home / "no-environment-file"),
            "RABBITMQ_PID_FILE": str(home / "rabbitmq.pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none "
                f"{KEEP_QUESTIONS} {COUNT_NO_CHANNELS}"
            ),
            # The script then becomes the Erlang machine instead of its parent: a signal to the pid reaches the broker.
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_START_ARGS": "-noinput",
            "ERL_EPMD_PORT": str(self.ports.epmd),
            "ERL_EPMD_ADDRESS": LOOPBACK,
        }


def definitions(passwords: dict[str, str]) -> dict[str, object]:
    """What RabbitMQ imports when it starts: the virtual host `/` and the platform's users. There is no `guest`."""
    return {
        "vhosts": [{"name": "/"}],
        "users": [
            {
                "name": user,
                "password_hash": _password_hash(passwords[user]),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": tag,
            }
            for user, tag in _TAGS.items()
        ],
        "permissions": [{"user": user, "vhost": "/", **_EVERYTHING} for user in (SERVICE_USER, ADMIN_USER)],
    }


def create_vhost(management_url: str, name: str) -> None:
    """A virtual host in which the services may do everything."""
    with httpx.Client(base_url=management_url, timeout=60, trust_env=False, verify=NO_TLS) as client:
        client.put(f"/api/vhosts/{name}", json={}).raise_for_status()
        for user in (SERVICE_USER, ADMIN_USER):
            client.put(f"/api/permissions/{name}/{user}", json=_EVERYTHING).raise_for_status()


def delete_vhost(management_url: str, name: str) -> None:
    with httpx.Client(base_url=management_url, timeout=60, trust_env=False, verify=NO_TLS) as client:
        client.delete(f"/api/vhosts/{name}").raise_for_status()


def _major_version() -> int:
    """Of the installed one. RabbitMQ 4 renamed a setting, and refuses to start with one it does not know."""
    folders = (require(RABBITMQ).parents[1] / "lib").glob("rabbitmq_server-*")
    return max((int(folder.name.removeprefix("rabbitmq_server-").partition(".")[0]) for folder in folders), default=4)


def _password_hash(password: str) -> str:
    """RabbitMQ's format: base64 of four bytes of salt and the SHA-256 of salt and password."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + sha256(salt + password.encode()).digest()).decode()
