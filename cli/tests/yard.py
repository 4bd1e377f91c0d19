"""Releases of the platform in memory, as people see them. One that runs ends on its own, one device an answer."""

from dataclasses import dataclass, field
from typing import Any

_WHEN = "2026-01-02T03:04:05Z"
_DEVICES = 2
_VERBS = {"start": "running", "pause": "paused", "resume": "running", "cancel": "cancelled", "rollback": "rolled_back"}


@dataclass
class Yard:
    """`ends` is how running releases end; one that is `held` goes no further."""

    releases: list[dict[str, Any]] = field(default_factory=list)
    documents: list[Any] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)
    ends: str = "completed"
    held: bool = False

    def answer(self, method: str, parts: list[str], query: dict[str, list[str]], body: Any) -> Any:
        """Answers a status and a document."""
        if len(parts) > 1:
            return self._one(method, parts[1:], body)
        if method == "GET":
            return 200, {"items": self.releases, "next": None}
        self.documents.append(body)
        if "slug" not in body:
            place = {"location": ["body", "slug"], "message": "Field required", "type": "missing"}
            return 422, {"code": "release_invalid", "detail": "the release is wrong", "errors": [place]}
        if any(wave["percent"] > 100 for wave in body["waves"]):
            place = {"location": ["body", "waves", "1", "percent"], "message": "at most 100", "type": "less_than_equal"}
            return 422, {"code": "release_invalid", "detail": "the release is wrong", "errors": [place]}
        if query.get("dry_run"):
            waves = [{"id": "wave:wave-1", "clusters": [{"id": "cluster:pumps", "devices": _DEVICES}]}]
            return 200, {"devices": _DEVICES, "obstacles": {"retired": 1}, "waves": waves}
        self.releases.insert(0, _release(body["slug"], "draft", 0))
        return 201, self.releases[0]

    def _one(self, method: str, parts: list[str], body: Any) -> Any:
        found = next((one for one in self.releases if one["slug"] == parts[0]), None)
        if found is None:
            return 404, {"code": "release_not_found", "detail": "release not found"}
        if method == "POST":
            self.asked.append((parts[1], body))
            found |= _release(parts[0], _VERBS[parts[1]], found["progress"]["succeeded"])
        elif parts[1:] == ["hierarchy"]:
            return 200, _hierarchy(found)
        elif found["state"] == "running" and not self.held:
            done = found["progress"]["succeeded"] + 1
            found |= _release(parts[0], self.ends if done == _DEVICES else "running", done)
        return 200, found


def _release(slug: str, state: str, succeeded: int) -> dict[str, Any]:
    waiting = _DEVICES - succeeded
    rest = dict.fromkeys(("in_progress", "failed", "skipped", "cancelled"), 0)
    progress = {"devices": _DEVICES, "waiting": waiting, "succeeded": succeeded, **rest}
    wave = {"id": "wave:wave-1", "name": "Wave 1", "state": state, "progress": progress}
    detail = "2 of 2 devices of wave-1 were not updated" if state == "failed" else None
    return {
        "id": f"release:{slug}",
        "slug": slug,
        "name": slug,
        "state": state,
        "detail": detail,
        "progress": progress,
        "waves": [wave],
        "created_by": "1",
        "created_at": _WHEN,
    }


def _hierarchy(release: dict[str, Any]) -> dict[str, Any]:
    """Two waves, of which the second waits for ever."""
    [wave] = release["waves"]
    state, progress = release["state"], release["progress"]
    app = {"id": "app:pump-os@1.2.0", "state": state, "progress": progress}
    bundle = {"id": "bundle:bundle-1", "state": state, "progress": progress, "apps": [app]}
    cluster = {"id": "cluster:pumps", "state": state, "progress": progress, "bundle": bundle}
    below = {"state": "draft", "progress": {**progress, "succeeded": 0}, "clusters": [cluster]}
    waves = [{**wave, "clusters": [cluster]}, {**below, "id": "wave:wave-2"}]
    return {"id": release["id"], "state": state, "progress": progress, "waves": waves}
