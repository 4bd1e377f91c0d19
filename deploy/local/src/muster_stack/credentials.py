"""The passwords of one stack, generated once. There are no default ones."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from muster_stack.rabbitmq import USERS

ADMIN_EMAIL = "admin@muster.example"


@dataclass(frozen=True)
class Credentials:
    admin_email: str
    admin_password: str
    postgres: str
    redis: str
    mongodb: str
    broker: dict[str, str]
    """By user."""

    @classmethod
    def generate(cls) -> "Credentials":
        return cls(
            admin_email=ADMIN_EMAIL,
            admin_password=secrets.token_urlsafe(12),
            postgres=secrets.token_hex(16),
            redis=secrets.token_hex(16),
            mongodb=secrets.token_hex(16),
            broker={user: secrets.token_hex(16) for user in USERS},
        )

    @classmethod
    def keep(cls, path: Path, settings: Mapping[str, str]) -> "Credentials":
        """Those of the file, made at the first time. `MUSTER_ADMIN_EMAIL` and `MUSTER_ADMIN_PASSWORD` win."""
        if not path.exists():
            write_private(path, json.dumps(asdict(cls.generate()), indent=2) + "\n")
        return cls.parse(path.read_text(), settings)

    @classmethod
    def parse(cls, text: str, settings: Mapping[str, str]) -> "Credentials":
        """Reads what `keep` wrote."""
        credentials = cls(**json.loads(text))
        return replace(
            credentials,
            admin_email=settings.get("MUSTER_ADMIN_EMAIL") or credentials.admin_email,
            admin_password=settings.get("MUSTER_ADMIN_PASSWORD") or credentials.admin_password,
        )


def write_private(path: Path, text: str) -> None:
    """Replaces the file in one step; only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(text)
    partial.replace(path)
