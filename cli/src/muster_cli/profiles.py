"""Platforms that a person has logged in to on this machine: one private file, a profile by name.

A profile holds an API key of its own, never a password.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ValidationError

from muster_cli.errors import BadUsage

DEFAULT_PROFILE = "default"


class Profile(BaseModel):
    """`key_id` is what the platform calls the key; `grpc` and `mqtt` are HOST:PORT."""

    server: str
    grpc: str | None = None
    mqtt: str | None = None
    email: str
    token: str
    key_id: str


class _File(BaseModel):
    profiles: dict[str, Profile] = {}


class Profiles:
    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Profiles":
        """Those of the person whose environment it is."""
        base = Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        return cls(base / "muster" / "profiles.json")

    def get(self, name: str) -> Profile | None:
        """Raises BadUsage for a file that cannot be read."""
        return self._read().profiles.get(name)

    def names(self) -> list[str]:
        return sorted(self._read().profiles)

    def put(self, name: str, profile: Profile) -> None:
        """Writes the file whole, readable by its owner alone."""
        self._write(_File(profiles={**self._read().profiles, name: profile}))

    def remove(self, name: str) -> None:
        self._write(_File(profiles={kept: one for kept, one in self._read().profiles.items() if kept != name}))

    def _read(self) -> _File:
        try:
            return _File.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return _File()
        except (OSError, ValidationError):
            raise BadUsage(f"{self.path} cannot be read", "move it away and `muster login` again") from None

    def _write(self, content: _File) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f"{self.path.stem}.")
        with os.fdopen(descriptor, "w") as file:
            file.write(content.model_dump_json(indent=2) + "\n")
        Path(temporary).replace(self.path)
