"""What ota-service reads from its environment."""

from pathlib import Path

from pydantic import Field

from shared.settings import PostgresSettings

SERVICE = "ota-service"


class Settings(PostgresSettings):
    """See `shared.settings` for what every service has."""

    port: int = 8002
    metrics_port: int = 9002
    postgres_database: str = "ota_service"
    firmware_store: str = Field(
        default_factory=lambda: Path(".local/firmware").absolute().as_uri(), pattern=r"^(file:///|s3://).+"
    )
    """Where firmware is kept: `file:///directory`, or `s3://bucket/prefix` with AWS's own environment variables."""

    max_firmware_bytes: int = Field(default=2 * 1024**3, ge=1)
    """The largest upload, its form included."""

    max_batch_devices: int = Field(default=100_000, ge=1)
    """The largest batch that people may make, in devices."""
    max_batch_bytes: int = Field(default=16 * 1024**2, ge=1)
    """The largest body that makes one: its devices may be named one by one."""

    update_initiated_seconds: int = Field(default=7 * 86_400, ge=1)
    """How long a device may take to acknowledge an update that is open for it, unless who opens it says otherwise."""
    update_acknowledged_seconds: int = Field(default=3_600, ge=1)
    """How long it may take from there to the download."""
    update_downloading_seconds: int = Field(default=6 * 3_600, ge=1)
    update_flashed_seconds: int = Field(default=3_600, ge=1)
    """How long it may take to come back with the new version, without a soak that follows."""
    update_cancelling_seconds: int = Field(default=3_600, ge=1)
    """How long a device that has begun may take to stop when the update is cancelled."""
