"""Configuration jobs of the platform in memory, as people see them. One that is asked for has ended by then."""

from dataclasses import dataclass, field
from typing import Any

_WHEN = "2026-01-02T03:04:05Z"


@dataclass
class Workshop:
    """`failing` are the reasons of devices that fail, by uid; `state` is what a job is then."""

    failing: dict[str, str | None] = field(default_factory=dict)
    state: str = "completed"
    uids: list[str] = field(default_factory=list)

    def answer(self, method: str, parts: list[str], query: dict[str, list[str]], body: Any) -> Any:
        """Answers a status and a document."""
        if parts[-1:] == ["items"]:
            state = query["state"][0]
            items = [item for item in map(self._item, self.uids) if item["state"] == state]
            return 200, {"items": items, "next": None}
        if method == "POST":
            self.uids = body["device_uids"]
            return 202, self._job(body["params"])
        return 200, self._job({})

    def _item(self, uid: str) -> dict[str, Any]:
        state = "failed" if uid in self.failing else "succeeded"
        return {"name": uid, "state": state, "attempts": 1, "reason": self.failing.get(uid), "updated_at": _WHEN}

    def _job(self, params: dict[str, Any]) -> dict[str, Any]:
        failed = len(self.failing)
        return {
            "id": "job-1",
            "run_id": "run-1",
            "kind": "configuration",
            "target": {},
            "params": params,
            "concurrency": 10,
            "deadline_s": 60,
            "state": self.state,
            "total": len(self.uids),
            "counts": {"failed": failed, "succeeded": len(self.uids) - failed},
            "requested_by": "1",
            "requested_at": _WHEN,
            "ended_at": None if self.state == "paused" else _WHEN,
        }
