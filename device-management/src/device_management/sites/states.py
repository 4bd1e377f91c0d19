"""What the link to a site's broker can be like."""

from enum import StrEnum


class LinkState(StrEnum):
    """`waiting`: no worker keeps the link (yet)."""

    DISABLED = "disabled"
    WAITING = "waiting"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    REFUSED = "refused"
    """The site's broker does not let the platform in: user name, password or subscription."""
    UNREACHABLE = "unreachable"
    FORBIDDEN = "forbidden"
    """The host has an address that the platform may not connect to."""
