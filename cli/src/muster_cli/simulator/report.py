"""The figures at the end of a simulation."""

from collections.abc import Mapping

from pydantic import BaseModel

from muster_cli.simulator.latencies import Latencies
from muster_cli.simulator.tally import Tally
from muster_cli.updater.updater import Outcome


class LatencyReport(BaseModel):
    """Milliseconds, to five per cent; None when nothing was timed."""

    p50: float | None
    p95: float | None
    p99: float | None
    longest: float | None

    @classmethod
    def of(cls, latencies: Latencies) -> "LatencyReport":
        p50, p95, p99 = (_rounded(latencies.percentile(share)) for share in (0.5, 0.95, 0.99))
        return cls(p50=p50, p95=p95, p99=p99, longest=_rounded(latencies.longest_ms))

    def __str__(self) -> str:
        if self.p50 is None:
            return "-"
        return f"p50 {self.p50} ms, p95 {self.p95} ms, p99 {self.p99} ms, longest {self.longest} ms"


class Report(BaseModel):
    """`failed` samples have no confirmation: each may or may not be stored. `rate` is confirmed samples a second.

    `received` is what the platform's account has of it, None when it did not tell; `lost` are confirmed and not
    received, None while the account may not have caught up. `cuts` are connections that the scenario took away.

    `updated` devices came back with a new version; `updates_failed` counts the others' reasons, `updates_stopped` those
    that the platform ended. `actions` counts those that have ended, by state.
    """

    devices: int
    registered: int
    found: int
    tokens_issued: int
    tokens_reused: int
    ever_connected: int
    reconnects: int
    cuts: int
    sent: int
    confirmed: int
    failed: int
    received: int | None
    lost: int | None
    rate: float
    sign_in_ms: LatencyReport
    confirmation_ms: LatencyReport
    updated: int
    updates_failed: dict[str, int]
    updates_stopped: int
    actions: dict[str, int]
    duration_s: float
    troubles: dict[str, int]

    @classmethod
    def of(cls, tally: Tally, duration_s: float, *, received: int | None, is_final: bool) -> "Report":
        """`is_final`: the platform had all the time it was given to answer."""
        missing = None if received is None else max(tally.confirmed - received, 0)
        return cls(
            devices=tally.devices,
            registered=tally.registered,
            found=tally.found,
            tokens_issued=tally.tokens_issued,
            tokens_reused=tally.tokens_reused,
            ever_connected=tally.ever_connected,
            reconnects=tally.reconnects,
            cuts=tally.cuts,
            sent=tally.sent,
            confirmed=tally.confirmed,
            failed=tally.sent - tally.confirmed,
            received=received,
            lost=missing if is_final or missing == 0 else None,
            rate=round(tally.confirmed / duration_s, 1) if duration_s else 0.0,
            sign_in_ms=LatencyReport.of(tally.sign_ins),
            confirmation_ms=LatencyReport.of(tally.confirmations),
            updated=tally.updates[Outcome.COMPLETED],
            updates_failed=dict(tally.update_failures.most_common()),
            updates_stopped=tally.updates[Outcome.STOPPED],
            actions=dict(tally.actions),
            duration_s=round(duration_s, 1),
            troubles=dict(tally.troubles.most_common()),
        )

    @property
    def is_good(self) -> bool:
        """Devices were there, all that they sent was confirmed, and nothing of it is known to be lost."""
        return self.ever_connected > 0 and not self.failed and not self.lost

    def fields(self) -> Mapping[str, object]:
        return {
            "Devices": f"{self.devices} ({self.registered} registered now, {self.found} known)",
            "Connected": f"{self.ever_connected} ({self.reconnects} reconnects, {self.cuts} cut by the scenario)",
            "Sent": self.sent,
            "Confirmed": self.confirmed,
            "Received": self._received(),
            "Failed": self.failed,
            "Rate": f"{self.rate}/s over {self.duration_s} s",
            "Sign-in": self.sign_in_ms,
            "Confirmation": self.confirmation_ms,
            "Updated": f"{self.updated} ({sum(self.updates_failed.values())} failed, {self.updates_stopped} stopped)",
            "Actions": f"{self.actions.get('completed', 0)} ({self.actions.get('failed', 0)} failed)",
            **{f"Failed update, {count} times": reason for reason, count in self.updates_failed.items()},
            **{f"Trouble, {count} times": reason for reason, count in self.troubles.items()},
        }

    def _received(self) -> str:
        if self.received is None:
            return "not known"
        if self.lost is None:
            return f"{self.received} so far; the platform's account follows within two minutes"
        return f"{self.received} ({self.lost} lost)"


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 1)
