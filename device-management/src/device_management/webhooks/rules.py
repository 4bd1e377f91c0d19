"""Policy of webhooks, pure: which events match, when to try again, what is sent and how it is signed."""

import json
import random
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from standardwebhooks.webhooks import Webhook as Signer

from device_management.webhooks.errors import UnacceptableUrl, UnknownEventType
from device_management.webhooks.models import Target
from shared.contracts.envelope import Envelope

TEST_TYPE = "webhook.test"
ALL = "*"

_WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400))
"""Between attempts: ten in three and a half days. Source: Standard Webhooks, "Recommended retry schedule"."""

GIVE_UP_AFTER = timedelta(days=5)
"""A webhook to which nothing could be delivered for this long is turned off."""


def wait_before(attempt: int, *, jitter: float | None = None) -> timedelta | None:
    """How long to wait after `attempt` attempts have failed; None when that was the last."""
    if attempt > len(_WAITS):
        return None
    spread = random.uniform(0.9, 1.1) if jitter is None else jitter  # noqa: S311 - to spread load, not to keep secrets
    return _WAITS[attempt - 1] * spread


def require_known(patterns: Collection[str], types: Collection[str]) -> None:
    """Raises UnknownEventType for a pattern that matches none of the platform's event types."""
    subjects = {f"{kind.partition('.')[0]}.*" for kind in types}
    for pattern in patterns:
        if pattern != ALL and pattern not in types and pattern not in subjects:
            raise UnknownEventType(pattern)


def target_of(url: str) -> Target:
    """Where events would be sent. Raises UnacceptableUrl for a URL to which nothing is."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UnacceptableUrl("the address cannot be read as a URL") from None
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise UnacceptableUrl("the address begins with https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise UnacceptableUrl("the address holds no user name and no password: the signature says who we are")
    if not url.isprintable() or " " in url or parts.fragment:
        raise UnacceptableUrl("the address holds no blanks, control characters or fragment")
    return Target(url, parts.hostname, port or (443 if parts.scheme == "https" else 80))


def body_of(event: Envelope) -> str:
    """What is sent: `type`, `timestamp` and `data` as Standard Webhooks names them, and the aggregate's `subject`."""
    content = {
        "type": event.type,
        "timestamp": event.time.astimezone(UTC).isoformat(),
        "subject": event.subject,
        "data": event.data,
    }
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)


def headers_of(event_id: UUID, body: str, secrets: Sequence[str], *, now: datetime) -> dict[str, str]:
    """The signed headers; every secret that is good signs. Source: Standard Webhooks 1.0, "Signature scheme"."""
    message = f"msg_{event_id.hex}"
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Signer(secret).sign(message, now, body) for secret in secrets),
    }
