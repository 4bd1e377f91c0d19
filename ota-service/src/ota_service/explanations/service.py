"""The use case: why was this device not updated?"""

from contextlib import suppress

from ota_service.batches.models import BatchDevice
from ota_service.explanations.rules import inside, outside, session_reason
from ota_service.explanations.schemas import LastSession, Membership, Outsider, Reason, Turn, WhyRead
from ota_service.explanations.store import ExplanationStore
from ota_service.fleet.errors import GroupNotFound
from ota_service.fleet.service import FleetService
from ota_service.fleet.states import RETIRED
from ota_service.release_documents.schemas import ClusterDocument
from ota_service.release_documents.service import DocumentService
from ota_service.releases.models import Release, ReleaseTree
from ota_service.releases.service import ReleaseService
from ota_service.releases.states import EntityKind, ReleaseState
from ota_service.sessions.models import UpdateSession
from shared.rql.errors import BadQuery

_UPDATED = "updated"
_GOES_ON = frozenset({ReleaseState.DRAFT, ReleaseState.SCHEDULED, ReleaseState.RUNNING, ReleaseState.PAUSED})


class ExplanationService:
    def __init__(
        self, store: ExplanationStore, fleet: FleetService, releases: ReleaseService, documents: DocumentService
    ) -> None:
        self._store = store
        self._fleet = fleet
        self._releases = releases
        self._documents = documents

    async def why(self, organization_id: int, device_uid: str, release: str | None) -> WhyRead:
        """Of the release, or else of the newest one with the device, or else of its last update.

        Raises DeviceNotFound, ReleaseNotFound.
        """
        device = await self._fleet.get(organization_id, device_uid)
        if release is not None:
            chosen = await self._releases.find(organization_id, release)
        else:
            chosen = await self._store.last_release(organization_id, device_uid)
        if chosen is None:
            last = _session(await self._store.last_session(organization_id, device_uid))
            return _read(device_uid, None, session_reason(last), session=last)
        part = await self._store.part(chosen, device_uid)
        [tree] = await self._releases.trees([chosen])
        if part is None:
            if device.lifecycle == RETIRED:
                return _read(device_uid, chosen, Reason("retired", "the device is retired"))
            return _read(device_uid, chosen, outside(await self._outsider(tree, device_uid)))
        member = _membership(tree, part[0], part[1], part[2])
        return _read(device_uid, chosen, inside(member), member=member, session=member.session)

    async def _outsider(self, tree: ReleaseTree, device_uid: str) -> Outsider:
        release = tree.release
        matches = False
        for source in tree.sources:
            with suppress(BadQuery, GroupNotFound):
                where = await self._documents.conditions(
                    release.organization_id, ClusterDocument.model_validate(source)
                )
                matches = matches or await self._store.matches(release.organization_id, device_uid, where)
        return Outsider(matches, bool(release.document.get("join_late")), release.state not in _GOES_ON)


def _membership(
    tree: ReleaseTree, cluster_id: int, turn: BatchDevice | None, session: UpdateSession | None
) -> Membership:
    places = range(len(tree.waves))
    place = next(n for n in places if any(one.cluster.id == cluster_id for one in tree.waves[n].clusters))
    cluster = next(one.cluster for one in tree.waves[place].clusters if one.cluster.id == cluster_id)
    return Membership(
        tree=tree,
        wave=tree.waves[place],
        before=tree.waves[place - 1] if place else None,
        cluster=cluster.slug,
        turn=None if turn is None else Turn(turn.state, turn.reason, turn.detail, turn.next_at),
        session=_session(session),
    )


def _session(session: UpdateSession | None) -> LastSession | None:
    return None if session is None else LastSession(session.id, session.state, session.error, session.deadline)


def _read(
    device_uid: str,
    release: Release | None,
    reason: Reason,
    *,
    member: Membership | None = None,
    session: LastSession | None = None,
) -> WhyRead:
    return WhyRead(
        device_uid=device_uid,
        release=None if release is None else f"{EntityKind.RELEASE}:{release.slug}",
        wave=None if member is None else f"{EntityKind.WAVE}:{member.wave.wave.slug}",
        cluster=None if member is None else f"{EntityKind.CLUSTER}:{member.cluster}",
        session_id=None if session is None else session.session_id,
        updated=reason.word == _UPDATED,
        reason=reason.word,
        detail=reason.sentence,
        next_step=reason.next_step,
        until=reason.until,
    )
