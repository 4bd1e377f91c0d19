"""From an entry of the list to the event about it, pure."""

from typing import TypeVar

from shared.contracts.access import AccessRestored, AccessRevoked, AccessSnapshot, AccessState
from shared.revocations import Revocation

E = TypeVar("E", bound=AccessState)


def access_event(organization_id: int, entry: Revocation) -> AccessState:
    """That the entry has become what it is."""
    return _event(AccessRevoked if entry.refused else AccessRestored, organization_id, entry)


def snapshot(organization_id: int, entry: Revocation) -> AccessSnapshot:
    """That it is so, for one who asked."""
    return _event(AccessSnapshot, organization_id, entry)


def _event(kind: type[E], organization_id: int, entry: Revocation) -> E:
    return kind(
        organization_id=organization_id,
        version=entry.version,
        kind=entry.kind,
        subject_id=entry.subject_id,
        refused=entry.refused,
        until=entry.until,
    )
