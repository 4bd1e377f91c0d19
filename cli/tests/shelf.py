"""Firmware and updates of the platform in memory, as people see them. Sessions end on their own, one step an answer."""

import hashlib
from dataclasses import dataclass, field
from email.parser import BytesParser
from typing import Any

_STEPS = ["initiated", "acknowledged", "downloading", "flashed", "completed"]
_WHEN = "2026-01-02T03:04:05Z"


@dataclass
class Shelf:
    """`ends` is how the next sessions end."""

    firmware: list[dict[str, Any]] = field(default_factory=list)
    images: list[bytes] = field(default_factory=list)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    ends: str = "completed"
    approvals: int = 1
    bandwidths: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, method: str, parts: list[str], query: dict[str, list[str]], headers: Any, body: Any) -> Any:
        """`body` is bytes of a form for an upload, else a document. Answers a status and a document."""
        if method == "POST" and len(parts) == 1:
            return self._upload(headers["Content-Type"], body) if parts[0] == "firmware" else self._start(body)
        if len(parts) == 1:
            uid = query.get("device_uid", [None])[0]
            sessions = [one for one in self.sessions if uid in {None, one["device_uid"]}]
            return 200, {"items": self.firmware if parts[0] == "firmware" else sessions, "next": None}
        if parts == ["firmware", "policy"]:
            self.approvals = body["approvals"] if method == "PUT" else self.approvals
            return 200, {"approvals": self.approvals, "version": 1}
        if parts[:2] == ["firmware", "bandwidth"]:
            return self._bandwidth(method, parts[2:], body)
        return self._one_firmware(method, parts[1:], body) if parts[0] == "firmware" else self._one_session(parts)

    def _bandwidth(self, method: str, parts: list[str], body: Any) -> Any:
        if not parts:
            return 200, {"items": list(self.bandwidths.values()), "next": None}
        if method == "DELETE":
            del self.bandwidths[parts[0]]
            return 204, None
        self.bandwidths[parts[0]] = {"site_id": int(parts[0]), "changed_by": "1", "changed_at": _WHEN} | body
        return 200, self.bandwidths[parts[0]]

    def _one_firmware(self, method: str, parts: list[str], body: Any) -> Any:
        found = next((one for one in self.firmware if str(one["id"]) == parts[0]), None)
        if found is None:
            return 404, {"code": "firmware_not_found", "detail": "firmware not found"}
        if method == "POST" and parts[1] == "withdraw":
            found |= {"state": "withdrawn", "withdrawn_by": "1", "withdrawn_at": _WHEN}
            found |= {"withdrawn_because": body["reason"]}
        elif method == "POST":
            found |= {"approvals": [{"by": "1", "at": _WHEN}], "approvals_needed": self.approvals}
            found |= {"state": "approved", "approved_by": "1", "approved_at": _WHEN} if self.approvals == 1 else {}
        return 200, found

    def _one_session(self, parts: list[str]) -> Any:
        found = next((one for one in self.sessions if one["session_id"] == parts[1]), None)
        if found is None:
            return 404, {"code": "update_session_not_found", "detail": "update session not found"}
        self._step(found, "cancelled" if parts[2:] == ["cancel"] else None)
        return 200, found

    def _upload(self, content_type: str, body: bytes) -> Any:
        message = BytesParser().parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
        fields: dict[str, list[bytes]] = {}
        for part in message.get_payload():
            name = part.get_param("name", header="content-disposition")
            fields.setdefault(name, []).append(part.get_payload(decode=True))
            filename = part.get_filename() or ""
            if filename:
                image, uploaded = part.get_payload(decode=True), filename
        if hashlib.sha256(image).hexdigest().encode() != fields["sha256"][0]:
            return 422, {"code": "digest_mismatch", "detail": "not the announced file"}
        self.images.append(image)
        new = {"id": len(self.firmware) + 1, "filename": uploaded, "size": len(image), "release_counter": 1}
        new |= {name: fields[name][0].decode() for name in ("name", "version", "sha256")}
        new |= {"hardware_versions": [value.decode() for value in fields.get("hardware_versions", [])]}
        self.firmware.append(new | {"state": "uploaded", "uploaded_by": "1", "uploaded_at": _WHEN})
        return 201, self.firmware[-1]

    def _start(self, body: dict[str, Any]) -> Any:
        firmware = self.firmware[body["firmware_id"] - 1]
        if firmware["state"] != "approved":
            return 409, {"code": "firmware_not_approved", "detail": "the firmware is not approved"}
        new = {"session_id": f"session-{len(self.sessions) + 1}", "firmware_name": firmware["name"]} | body
        new |= {"firmware_version": firmware["version"], "state": "initiated", "deadline": _WHEN, "reports": []}
        self.sessions.insert(0, new | {"opened_by": "1", "opened_at": _WHEN, "updated_at": _WHEN})
        return 202, self.sessions[0]

    def _step(self, session: dict[str, Any], to: str | None) -> None:
        if session["deadline"] is None:
            return
        state = to or _STEPS[_STEPS.index(session["state"]) + 1]
        if state == "flashed" and self.ends == "failed":
            state, session["error"] = "failed", "wrong_sha256: the image is not the one that was signed"
        session["reports"].append({"by": "device", "reported": state, "accepted": True, "at": _WHEN})
        session["state"] = state
        if state in {"completed", "failed", "cancelled"}:
            session["deadline"] = None
