"""What an operator wants to know about the relays."""

from collections import Counter as Counted
from collections.abc import Iterable

from prometheus_client import Counter, Gauge

RELAY_SENT = Counter(
    "muster_outbox_sent_total", "Events or commands published and confirmed by this process", ["relay"]
)
RELAY_FAILED = Counter(
    "muster_outbox_failed_total", "Attempts that failed for the message's own sake", ["relay", "reason"]
)
"""`Unroutable` is a command that came back because its device is away."""
RELAY_INTERRUPTED = Counter("muster_outbox_interruptions_total", "Rounds ended by a broker or store away", ["relay"])
RELAY_BACKLOG = Gauge(
    "muster_outbox_backlog", "What could be sent and is not, as the acting relay saw it last", ["relay"]
)
RELAY_AGE_SECONDS = Gauge("muster_outbox_age_seconds", "How long the oldest of it has been unsent", ["relay"])

COMMANDS_PARKED = Gauge("muster_commands_parked", "Commands that wait for a device to connect", ["relay"])
COMMANDS_EXPIRED = Counter("muster_commands_expired_total", "Commands dropped at their deadline", ["relay"])


def count_failures(relay: str, reasons: Iterable[str]) -> None:
    for reason, count in Counted(reasons).items():
        RELAY_FAILED.labels(relay, reason).inc(count)
