"""The figures at the end of a simulation."""

from collections.abc import Mapping

from pydantic import BaseModel

from muster_cli.simulator.tally import Tally
from muster_cli.updater.updater import Outcome


class Report(BaseModel):
    """`failed` samples have no confirmation: each may or may not be stored. `rate` is confirmed samples a second.

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
    sent: int
    confirmed: int
    failed: int
    rate: float
    updated: int
    updates_failed: dict[str, int]
    updates_stopped: int
    actions: dict[str, int]
    duration_s: float
    troubles: dict[str, int]

    @classmethod
    def of(cls, tally: Tally, duration_s: float) -> "Report":
        return cls(
            devices=tally.devices,
            registered=tally.registered,
            found=tally.found,
            tokens_issued=tally.tokens_issued,
            tokens_reused=tally.tokens_reused,
            ever_connected=tally.ever_connected,
            reconnects=tally.reconnects,
            sent=tally.sent,
            confirmed=tally.confirmed,
            failed=tally.sent - tally.confirmed,
            rate=round(tally.confirmed / duration_s, 1) if duration_s else 0.0,
            updated=tally.updates[Outcome.COMPLETED],
            updates_failed=dict(tally.update_failures.most_common()),
            updates_stopped=tally.updates[Outcome.STOPPED],
            actions=dict(tally.actions),
            duration_s=round(duration_s, 1),
            troubles=dict(tally.troubles.most_common()),
        )

    def fields(self) -> Mapping[str, object]:
        return {
            "Devices": f"{self.devices} ({self.registered} registered now, {self.found} known)",
            "Connected": f"{self.ever_connected} ({self.reconnects} reconnects)",
            "Sent": self.sent,
            "Confirmed": self.confirmed,
            "Failed": self.failed,
            "Rate": f"{self.rate}/s over {self.duration_s} s",
            "Updated": f"{self.updated} ({sum(self.updates_failed.values())} failed, {self.updates_stopped} stopped)",
            "Actions": f"{self.actions.get('completed', 0)} ({self.actions.get('failed', 0)} failed)",
            **{f"Failed update, {count} times": reason for reason, count in self.updates_failed.items()},
            **{f"Trouble, {count} times": reason for reason, count in self.troubles.items()},
        }
