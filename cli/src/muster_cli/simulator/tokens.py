"""The device tokens of one simulated fleet, kept in a private file so that the next run signs in with the same ones."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, TypeAdapter, ValidationError

from muster_cli.client.devices import Device, DeviceToken

_ENOUGH = timedelta(days=1)


class _Entry(BaseModel):
    """A token and the registration it was issued to: in another database the same uid is another device."""

    token: str
    expires_at: datetime
    registered_at: datetime


_entries = TypeAdapter(dict[str, _Entry])


class TokenFile:
    """Reads the file at once, writes it on `save`. One that cannot be read is empty: tokens can be issued anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._entries = _entries.validate_json(path.read_bytes())
        except (OSError, ValidationError):
            self._entries: dict[str, _Entry] = {}

    def forget(self) -> None:
        self._entries.clear()

    def known(self, uid: str) -> bool:
        return uid in self._entries

    def token_for(self, device: Device) -> str | None:
        """The token that was issued to this very device and stays good for another day."""
        entry = self._entries.get(device.device_uid)
        if entry is None or entry.registered_at != device.registered_at:
            return None
        return entry.token if entry.expires_at > datetime.now(UTC) + _ENOUGH else None

    def keep(self, device: Device, issued: DeviceToken) -> None:
        self._entries[device.device_uid] = _Entry(
            token=issued.token, expires_at=issued.expires_at, registered_at=device.registered_at
        )

    def save(self) -> None:
        """Replaces the file whole; only its owner can read it."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = self._path.with_suffix(f".{os.getpid()}")
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({uid: entry.model_dump(mode="json") for uid, entry in self._entries.items()}, file)
        temporary.replace(self._path)
