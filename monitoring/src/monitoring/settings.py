"""What monitoring reads from its environment."""

from pathlib import Path

from pydantic import Field

from monitoring.organizations.models import LONG, SHORT, STANDARD
from shared.settings import ServiceSettings

SERVICE = "monitoring"

_CHECKOUT = Path(__file__).parents[2] / "dashboard"
_IMAGE = Path("/app/monitoring/dashboard")


class Settings(ServiceSettings):
    """See `shared.settings` for what every service has."""

    port: int = 8003
    metrics_port: int = 9003
    mongodb_url: str = "mongodb://127.0.0.1:27017"
    mongodb_database: str = "monitoring"
    broker_management_url: str = "http://muster-monitor:muster-monitor@127.0.0.1:15672"
    """RabbitMQ's management API, as a user who may only look: the worker asks it who is connected."""

    dashboard_dir: Path = Field(default_factory=lambda: _CHECKOUT if _CHECKOUT.is_dir() else _IMAGE)
    """Holds the dashboard's pages: beside the sources in a checkout, under /app in the image."""

    retention_days: int = Field(default=30, ge=1, le=3650)
    """How many days before today samples are kept and can be read, in organizations of the class `standard`."""

    retention_days_short: int = Field(default=7, ge=1, le=3650)
    """The same for the class `short`."""

    retention_days_long: int = Field(default=90, ge=1, le=3650)
    """The same for the class `long`."""

    minute_rollup_days: int = Field(default=180, ge=1, le=3650)
    """How long rollups by minute are kept."""

    hour_rollup_days: int = Field(default=1095, ge=1, le=36500)
    """How long rollups by hour are kept, and what was counted."""

    rollup_seconds: float = Field(default=60.0, ge=0.1, le=3600)
    """A minute is in the rollups when it has been over for half of this, and at the latest so long after a sample of it
    has come that this has passed twice and a half."""

    undated_days: int = Field(default=7, ge=1, le=365)
    """How long samples are kept whose time is missing or lies ahead."""

    heard_seconds: int = Field(default=900, ge=10, le=86_400)
    """How long a device without a connection counts as online after it was heard of."""

    presence_days: int = Field(default=400, ge=1, le=3650)
    """How far back the history of presence goes."""

    telemetry_batch: int = Field(default=1_000, ge=1, le=10_000)
    """Messages that are stored in one go."""

    telemetry_linger_ms: int = Field(default=20, ge=0, le=1_000)
    """How long a batch that is not full waits for more."""

    telemetry_in_flight: int = Field(default=4, ge=1, le=16)
    """Batches that are under way side by side. Of full ones there are three, of which one is stored at a time, whatever
    this says: more are for small ones, which would wait while others are stored."""

    socket_unread_packets: int = Field(default=64, ge=8, le=10_000)
    """A live connection that leaves more packets than this unread is cut off."""

    @property
    def retentions(self) -> dict[str, int]:
        """For how many days each class of retention keeps samples."""
        return {SHORT: self.retention_days_short, STANDARD: self.retention_days, LONG: self.retention_days_long}
