"""Events about who is let in no longer, published by device-management; every service refuses accordingly."""

from datetime import datetime
from typing import ClassVar

from shared.contracts.envelope import EventData


class AccessState(EventData):
    """Whether the tokens of one `kind` of subject are refused: `organization`, `user`, `session` or `token` (its id).

    `version` grows with every change of the subject's access. A user's tokens are refused when their generation is
    smaller than it; all others while `refused`. `until` is when no such token can live any more.
    """

    type: ClassVar[str]
    urgent = True

    kind: str
    subject_id: str
    refused: bool
    until: datetime | None = None

    def subject(self) -> str:
        return f"access/{self.kind}/{self.subject_id}"


class AccessRevoked(AccessState):
    type = "access.revoked.v1"


class AccessRestored(AccessState):
    type = "access.restored.v1"


class AccessSnapshot(AccessState):
    """Not a change: the present state, sent again so that a copy can be rebuilt.

    `organization_id` is whose administrator asked for it: the list does not say whose its subjects are.
    """

    type = "access.snapshot.v1"
