"""Actions of the platform in memory, as people see them. One ends on its own, one step an answer."""

from dataclasses import dataclass, field
from typing import Any

_WHEN = "2026-01-02T03:04:05Z"
_NEXT = {"pending": "running", "running": "completed"}


@dataclass
class Desk:
    """`ends` is how running actions end."""

    actions: list[dict[str, Any]] = field(default_factory=list)
    ends: str = "completed"

    def answer(self, method: str, parts: list[str], query: dict[str, list[str]], body: Any) -> Any:
        """Answers a status and a document."""
        if len(parts) > 1:
            return self._one(parts)
        if method == "POST":
            return self._ask(body)
        uid = query.get("device_uid", [None])[0]
        return 200, {"items": [one for one in self.actions if uid in {None, one["device_uid"]}], "next": None}

    def _ask(self, body: dict[str, Any]) -> Any:
        new = {"action_id": len(self.actions) + 1, "state": "pending", "attempts": [], "deadline": _WHEN} | body
        self.actions.insert(0, new | {"requested_by": "1", "requested_at": _WHEN})
        return 202, self.actions[0]

    def _one(self, parts: list[str]) -> Any:
        found = next((one for one in self.actions if str(one["action_id"]) == parts[1]), None)
        if found is None:
            return 404, {"code": "action_not_found", "detail": "action not found"}
        state = "cancelled" if parts[2:] == ["cancel"] else _NEXT.get(found["state"], found["state"])
        if state == "completed" and self.ends == "failed":
            state, found["error"] = "failed", "out of paper"
        found["state"] = state
        if state not in _NEXT:
            found |= {"completed_at": _WHEN, "attempts": [{"number": 1, "state": state, "began_at": _WHEN}]}
        return 200, found
