"""From a release and its waves to the events about it, pure."""

from collections.abc import Sequence
from typing import Any, TypeVar

from ota_service.releases.models import Release
from ota_service.releases.schemas import WaveRead
from shared.contracts.releases import ReleaseState, ReleaseWaveState

E = TypeVar("E", bound=ReleaseState)


def state_event(
    kind: type[E], release: Release, waves: Sequence[WaveRead], *, wave: str | None = None, **more: Any
) -> E:
    """An event of `kind` with the release's whole public state; `wave` is the one that it is about.

    `more` is what the kind has beyond that.
    """
    assert release.id is not None  # noqa: S101 - it comes from the database
    return kind(
        organization_id=release.organization_id,
        version=release.version,
        release_id=release.id,
        slug=release.slug,
        name=release.name,
        state=release.state,
        reason=release.reason,
        detail=release.detail,
        wave=wave,
        waves=[
            ReleaseWaveState(
                wave_id=item.id, name=item.name, state=item.state, **item.progress.model_dump(exclude={"percent"})
            )
            for item in waves
        ],
        created_by=release.created_by,
        created_at=release.created_at,
        start_at=release.start_at,
        started_at=release.started_at,
        ended_at=release.ended_at,
        updated_at=release.updated_at,
        **more,
    )
