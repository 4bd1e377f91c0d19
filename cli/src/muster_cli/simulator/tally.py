"""What has happened so far: counters that every device adds to, and that progress and report read."""

from collections import Counter
from dataclasses import dataclass, field

from muster_cli.simulator.latencies import Latencies


@dataclass
class Tally:
    """`sent` counts samples, not attempts: one is sent again after a lost connection until the broker confirms it."""

    devices: int
    registered: int = 0
    found: int = 0
    tokens_issued: int = 0
    tokens_reused: int = 0
    connected: int = 0
    ever_connected: int = 0
    reconnects: int = 0
    cuts: int = 0
    """Connections that the scenario took away."""
    sent: int = 0
    confirmed: int = 0
    updates: Counter[str] = field(default_factory=Counter[str])
    """Updates that have ended, by outcome."""
    update_failures: Counter[str] = field(default_factory=Counter[str])
    """Updates that devices refused or gave up, by reason."""
    actions: Counter[str] = field(default_factory=Counter[str])
    """Actions that have ended, by state."""
    troubles: Counter[str] = field(default_factory=Counter[str])
    """Lost and refused connections, by reason."""

    sign_ins: Latencies = field(default_factory=Latencies)
    """From the connection's beginning until the broker had let the device in."""
    confirmations: Latencies = field(default_factory=Latencies)
    """From a sample's sending until the broker had confirmed it."""

    @property
    def enrolled(self) -> int:
        return self.registered + self.found
