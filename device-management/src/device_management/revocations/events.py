"""From an entry of the list to the event about it, pure."""

from shared.contracts.access import AccessRestored, AccessRevoked, AccessState
from shared.revocations import Revocation


def access_event(organization_id: int, entry: Revocation) -> AccessState:
    kind = AccessRevoked if entry.refused else AccessRestored
    return kind(
        organization_id=organization_id,
        version=entry.version,
        kind=entry.kind,
        subject_id=entry.subject_id,
        refused=entry.refused,
        until=entry.until,
    )
