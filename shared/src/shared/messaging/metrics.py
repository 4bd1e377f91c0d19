"""What an operator wants to know about messages."""

from prometheus_client import Counter, Gauge, Histogram

PUBLISHED = Counter(
    "muster_messages_published_total",
    "Messages handed to the broker, by exchange and outcome",
    ["exchange", "outcome"],
)
CONSUMED = Counter("muster_messages_consumed_total", "Messages settled, dead letters and retries included", ["queue"])
RETRIED = Counter("muster_messages_retried_total", "Messages sent up the retry ladder", ["queue"])
DEAD_LETTERED = Counter("muster_messages_dead_lettered_total", "Messages given up, with a reason", ["queue"])
BATCH_SIZE = Histogram(
    "muster_batch_size",
    "Messages in a batch",
    ["queue"],
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000),
)
BATCH_SECONDS = Histogram("muster_batch_seconds", "From the first look at a batch to its acknowledgement", ["queue"])
BATCH_WAITS = Counter("muster_batch_waits_total", "Attempts at a batch put off because a store was away", ["queue"])
BROKER_CONNECTED = Gauge("muster_broker_connected", "1 while the connection is open", ["connection"])
