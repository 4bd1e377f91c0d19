"""Which tokens are refused although they verify: what every process keeps in memory, and how it stays current.

device-management tells by `access.*` events; each service keeps the list in its own store (`shared.sql.revocations`,
`shared.mongo.revocations`), and each of its processes reads it whole every second. It is short: what is on it leaves
with the last token it could refuse.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from shared.contracts.access import AccessState
from shared.contracts.envelope import Envelope
from shared.errors import ServiceUnavailable


class Kind(StrEnum):
    ORGANIZATION = "organization"
    USER = "user"
    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - a word, no secret


@dataclass(frozen=True, slots=True)
class Revocation:
    """See `shared.contracts.access.AccessState`."""

    kind: str
    subject_id: str
    version: int
    refused: bool = True
    until: datetime | None = None

    @classmethod
    def of(cls, state: AccessState) -> "Revocation":
        return cls(state.kind, state.subject_id, state.version, state.refused, state.until)


class Bearer(Protocol):
    """As much of a token's claims as decides whether it is refused."""

    @property
    def subject(self) -> str: ...
    @property
    def organization_id(self) -> int: ...
    @property
    def token_id(self) -> str: ...
    @property
    def session(self) -> str | None: ...
    @property
    def generation(self) -> int | None: ...


class Revocations:
    """What this process refuses at present. Empty until it has been read for the first time."""

    def __init__(self) -> None:
        self._versions: dict[tuple[str, str], int] = {}
        self._read = False

    def replace(self, revocations: Iterable[Revocation]) -> None:
        self._versions = {(entry.kind, entry.subject_id): entry.version for entry in revocations if entry.refused}
        self._read = True

    def refuses(self, bearer: Bearer) -> bool:
        """A user's generation counts for tokens of a session alone: keys and devices have generations of their own."""
        refused = self._versions
        if not refused:
            return False
        if (Kind.ORGANIZATION, str(bearer.organization_id)) in refused or (Kind.TOKEN, bearer.token_id) in refused:
            return True
        if bearer.session is None:
            return False
        return (Kind.SESSION, bearer.session) in refused or (bearer.generation or 0) < refused.get(
            (Kind.USER, bearer.subject), 0
        )

    async def check(self) -> None:
        """For readiness. Raises ServiceUnavailable until the list has been read."""
        if not self._read:
            raise ServiceUnavailable("the revocations have not been read yet")


def newest(revocations: Sequence[Revocation]) -> list[Revocation]:
    """Of several about one subject the one of the greatest version, in the order of their keys."""
    found = {(entry.kind, entry.subject_id): entry for entry in sorted(revocations, key=lambda entry: entry.version)}
    return [found[key] for key in sorted(found)]


class Refresh:
    """A timer of every process that verifies tokens: reads the list anew. While the store is away the old one holds."""

    SECONDS = 1.0

    def __init__(self, load: Callable[[], Awaitable[list[Revocation]]], revocations: Revocations) -> None:
        self._load = load
        self._revocations = revocations

    async def __call__(self) -> None:
        try:
            self._revocations.replace(await self._load())
        except ServiceUnavailable:
            return


class AccessConsumer:
    """Puts what device-management tells into the service's own list; older versions change nothing there."""

    def __init__(self, put: Callable[[Sequence[Revocation]], Awaitable[None]]) -> None:
        self._put = put

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        await self._put([Revocation.of(AccessState.of(envelope)) for envelope in envelopes])
