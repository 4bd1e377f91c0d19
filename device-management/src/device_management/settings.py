"""What device-management reads from its environment."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from pydantic import Field

from shared.settings import PostgresSettings

SERVICE = "device-management"


class Settings(PostgresSettings):
    """See `shared.settings` for what every service has."""

    port: int = 8001
    metrics_port: int = 9001
    grpc_port: int = Field(default=50051, ge=0, le=65_535)
    """Where the api serves gRPC beside REST; 0 is nowhere."""

    postgres_database: str = "device_management"
    redis_url: str = "redis://127.0.0.1:6379/0"
    broker_management_url: str = "http://muster-admin:muster-admin@127.0.0.1:15672"
    """RabbitMQ's management API, as an administrator: only the worker uses it, to close connections."""

    broker_vhost: str = "/"
    organization_name: str = "Muster"
    organization_slug: str = Field(default="muster", pattern=r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$")
    admin_email: str = "admin@muster.example"
    admin_password: str | None = None
    """The first administrator's. Unset: generated once and written to `admin-password` in `keys_dir`."""

    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks in private or special ranges to which sites and webhooks may lead, e.g. ["10.0.0.0/8"]."""

    max_batch_devices: int = Field(default=10_000, ge=1, le=100_000)
    max_batch_bytes: int = 16 * 1024 * 1024
    """The body of a batch registration."""

    sign_ins_per_second: float = Field(default=5, ge=0)
    """Attempts of each address, right or wrong, beside the wait after failed ones; 0 is no limit."""

    access_token_minutes: int = Field(default=15, ge=1, le=60)
    refresh_token_days: int = Field(default=30, ge=1, le=365)
    device_token_days: int = Field(default=365, ge=1, le=3650)

    max_import_bytes: int = Field(default=256 * 1024 * 1024, ge=1)
    max_import_rows: int = Field(default=500_000, ge=1)
    """Of one file."""

    def admin_password_file(self) -> Path:
        return self.keys_dir / "admin-password"
