"""The settings every service reads from its environment (`MUSTER_*`), each frozen and built once, in `bootstrap`."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """What every process of Muster needs to know."""

    model_config = SettingsConfigDict(env_prefix="MUSTER_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = 8000
    metrics_port: int = 9000
    """Where a worker answers /metrics, /livez and /readyz."""

    shares_ports: bool = False
    """Whether an api listens where its successor may do so beside it, so that it is relieved without a gap."""

    keys_dir: Path = Path(".local/keys")
    """Holds `token-keys.json`, for device-management `token-signing.pem`, for ota-service `manifest-signing-*.pem`."""

    amqp_url: str = "amqp://muster:muster@127.0.0.1:5672/"
    allowed_origins: tuple[str, ...] = ()
    """Origins, exactly as browsers send them, whose pages may call this service."""

    trusted_proxies: str = "127.0.0.1"
    """Addresses or networks, with commas between, whose X-Forwarded-For is believed."""

    person_requests_per_second: float = Field(default=200, ge=0)
    """Of each person and each API key, in each process of an api, as are all of these; 0 is no limit."""

    device_requests_per_second: float = Field(default=20, ge=0)
    gateway_requests_per_second: float = Field(default=1_000, ge=0)
    address_requests_per_second: float = Field(default=100, ge=0)
    """Of each address, for requests without a valid token."""

    max_body_bytes: int = 1024 * 1024
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"
    drain_seconds: float = 10.0
    """How long SIGTERM waits for work under way."""


class PostgresSettings(ServiceSettings):
    """A service that keeps a PostgreSQL database of its own."""

    postgres_url: str = "postgresql://postgres@127.0.0.1:5432"
    """The server, `postgresql://user:password@host:port`, without a database."""

    postgres_database: str
    postgres_pool: int = 10
    postgres_frozen_seconds: float = Field(default=15, gt=0)
    """A transaction that stands still for so long, as a frozen process leaves it, is ended by the server."""

    def database_url(self) -> str:
        """The URL of this service's database for SQLAlchemy on asyncpg."""
        parts = urlsplit(self.postgres_url)
        return urlunsplit(("postgresql+asyncpg", parts.netloc, f"/{self.postgres_database}", parts.query, ""))
