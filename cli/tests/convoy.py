"""Batches of updates of the platform in memory. One device is done with each question."""

from dataclasses import dataclass, field
from typing import Any

_WHEN = "2026-01-02T03:04:05Z"
_STATES = ("pending", "initiated", "succeeded", "failed", "skipped", "cancelled")


@dataclass
class Convoy:
    """`failing` are devices whose update fails, `unknown` those that are not there."""

    batches: list[dict[str, Any]] = field(default_factory=list)
    devices: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    asked: list[Any] = field(default_factory=list)
    """Bodies of the batches that were to be made."""

    def answer(self, method: str, parts: list[str], query: dict[str, list[str]], body: Any) -> Any:
        """Answers a status and a document; `parts` begin after `updates/batches`."""
        if not parts and method == "GET":
            return 200, {"items": self.batches, "next": None}
        if not parts:
            return self._create(body, dry="dry_run" in query)
        found = next((batch for batch in self.batches if str(batch["id"]) == parts[0]), None)
        if found is None:
            return 404, {"code": "batch_not_found", "detail": "batch not found"}
        if parts[1:] == ["devices"]:
            state = query.get("state", [None])[0]
            rows = [row for row in self.devices[found["id"]] if state in {None, row["state"]}]
            return 200, {"items": rows, "next": None}
        return 200, self._step(found) if method == "GET" else self._change(found, parts[1])

    def _create(self, body: dict[str, Any], *, dry: bool) -> Any:
        self.asked.append(body)
        uids = body.get("device_ids") or ["pump-7", "pump-8"]
        rows = [
            {"device_uid": uid, "state": "skipped", "reason": "device_not_found", "attempts": 0}
            if uid in self.unknown
            else {"device_uid": uid, "state": "pending", "attempts": 0}
            for uid in uids
        ]
        skipped = [row for row in rows if row["state"] == "skipped"]
        if dry:
            counts = {"device_not_found": len(skipped)} if skipped else {}
            sample = {"pending": len(rows) - len(skipped), "skipped": counts, "sample": skipped}
            return 200, {"total": len(rows), **sample}
        return 202, self._made(body["name"], [body["firmware_id"]], rows)

    def _made(self, name: str, firmware_ids: list[int], rows: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        new = {"id": len(self.batches) + 1, "name": name, "state": "pending", "firmware_ids": firmware_ids}
        self.batches.insert(0, new | {"requested_by": "1", "requested_at": _WHEN, **more})
        self.devices[new["id"]] = rows
        return self._counted(self.batches[0])

    def _step(self, batch: dict[str, Any]) -> dict[str, Any]:
        waiting = [row for row in self.devices[batch["id"]] if row["state"] == "pending"]
        if batch["state"] in {"pending", "in_progress"}:
            batch["state"] = "in_progress"
            for row in waiting[:1]:
                row["state"] = "failed" if row["device_uid"] in self.failing else "succeeded"
                row["attempts"] += 1
            if not waiting:
                batch["state"] = "completed"
        return self._counted(batch)

    def _change(self, batch: dict[str, Any], verb: str) -> dict[str, Any]:
        rows = self.devices[batch["id"]]
        if verb == "rollback":
            touched = [{**row, "state": "pending"} for row in rows if row["state"] == "succeeded"]
            return self._made(f"Rollback of {batch['name']}", [], touched, rollback_of=batch["id"])
        before, after = ("failed", "pending") if verb == "retry" else ("pending", "cancelled")
        batch["state"] = "in_progress" if verb == "retry" else "cancelled"
        for row in rows:
            row["state"] = after if row["state"] == before else row["state"]
        return self._counted(batch)

    def _counted(self, batch: dict[str, Any]) -> dict[str, Any]:
        states = [row["state"] for row in self.devices[batch["id"]]]
        batch |= {"total": len(states), "counts": {state: states.count(state) for state in _STATES}}
        return batch
