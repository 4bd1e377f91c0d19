"""What an operator wants to know about the relays."""

from prometheus_client import Counter, Gauge

RELAY_SENT = Counter("muster_outbox_sent_total", "Events published and confirmed by this process", ["relay"])
RELAY_FAILED = Counter("muster_outbox_failed_total", "Attempts that failed for the event's own sake", ["relay"])
RELAY_INTERRUPTED = Counter("muster_outbox_interruptions_total", "Rounds ended by a broker or store away", ["relay"])
RELAY_BACKLOG = Gauge("muster_outbox_backlog", "Unsent events, as the acting relay saw them last", ["relay"])
RELAY_AGE_SECONDS = Gauge("muster_outbox_age_seconds", "Age of the oldest unsent event", ["relay"])
