"""Use cases of releases: drawing one up, what people do with it, and reading it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ota_service.batches.errors import WrongBatchState
from ota_service.batches.service import BatchService
from ota_service.canaries.service import CanaryService
from ota_service.release_documents.schemas import Plan, ReleaseDocument
from ota_service.release_documents.service import DocumentService
from ota_service.releases.errors import (
    EntityNotFound,
    GateClosed,
    NothingToRetry,
    ReleaseNotApproved,
    ReleaseNotFound,
    SlugTaken,
    WrongReleaseState,
)
from ota_service.releases.events import state_event
from ota_service.releases.models import (
    ClusterBranch,
    Release,
    ReleaseChange,
    ReleaseCluster,
    ReleaseTree,
    ReleaseWave,
    Tally,
    WaveBranch,
)
from ota_service.releases.rules import apps_of, clusters_of, dry_run, find, hierarchy, release_read, slots_of, waves_of
from ota_service.releases.schemas import (
    AnyNode,
    ChangeRead,
    DryRun,
    ReleaseDetail,
    ReleaseNode,
    ReleaseRead,
)
from ota_service.releases.states import EntityKind, OnFailure, ReleaseState, may_become
from ota_service.releases.store import Conditions, ReleaseStore
from shared.contracts import releases as contracts
from shared.http.pagination import Page, decode_cursor, page_of
from shared.sql.unit_of_work import UnitOfWork

_PREFIX = f"{EntityKind.RELEASE}:"
_PLATFORM = "platform"
_RETRIED = frozenset({ReleaseState.RUNNING, ReleaseState.PAUSED, ReleaseState.COMPLETED})

Kind = type[contracts.ReleaseState]


class ReleaseService:
    def __init__(
        self,
        unit: UnitOfWork,
        store: ReleaseStore,
        documents: DocumentService,
        batches: BatchService,
        canaries: CanaryService,
    ) -> None:
        self._unit = unit
        self._store = store
        self._documents = documents
        self._batches = batches
        self._canaries = canaries

    async def create(self, organization_id: int, by: str, document: ReleaseDocument) -> ReleaseRead:
        """Draws a release up: its waves and clusters, and which devices take part in each.

        Raises ReleaseInvalid, SlugTaken, QueryTooSlow.
        """
        resolved = await self._documents.resolve(organization_id, document)
        plan, now = resolved.plan, await self._store.now()
        await self._refuse_taken(organization_id, plan)
        release = Release(
            organization_id=organization_id,
            slug=plan.slug,
            name=document.name,
            document=document.model_dump(mode="json", exclude_none=True),
            needs_approval=document.approval,
            start_at=document.start_at,
            created_by=by,
            created_at=now,
            updated_at=now,
            stepped_at=now,
            joined_at=now,
        )
        await self._store.add([release])
        if taken := await self._store.name(release, plan.entities()):
            raise SlugTaken(taken)
        waves = waves_of(release, plan)
        await self._store.add(waves)
        clusters = clusters_of(waves, plan)
        await self._store.add(clusters)
        await self._store.add(apps_of(clusters, resolved))
        await self._store.freeze(release, resolved.conditions, slots_of(plan, [_id(cluster) for cluster in clusters]))
        return await self._tell(contracts.ReleaseCreated, release, by=_person(by))

    async def dry_run(self, organization_id: int, document: ReleaseDocument) -> DryRun:
        """What it would come to now; nothing is written. Raises as `create`."""
        resolved = await self._documents.resolve(organization_id, document)
        plan = resolved.plan
        await self._refuse_taken(organization_id, plan)
        slots = slots_of(plan, range(len(plan.clusters)), hardware=resolved.hardware)
        found = await self._store.dry(organization_id, plan.slug, resolved.conditions, slots)
        return dry_run(plan, found)

    async def _refuse_taken(self, organization_id: int, plan: Plan) -> None:
        if taken := await self._store.taken(organization_id, plan.entities()):
            raise SlugTaken(taken)

    async def page(
        self, organization_id: int, *, state: ReleaseState | None, cursor: str | None, limit: int
    ) -> Page[ReleaseRead]:
        """The newest first."""
        before = decode_cursor(cursor, int)[0] if cursor else 2**63 - 1
        rows = await self._store.page(organization_id, state=state, before=before, limit=limit + 1)
        kept, following = page_of(rows, limit, lambda release: (release.id,))
        return Page(items=[release_read(tree) for tree in await self.trees(kept)], next=following)

    async def get(self, organization_id: int, name: str) -> ReleaseDetail:
        """By its slug or its id. Raises ReleaseNotFound."""
        release = await self.find(organization_id, name)
        [tree] = await self.trees([release])
        changes = [ChangeRead.model_validate(change) for change in await self._store.changes(release)]
        return ReleaseDetail(**release_read(tree).model_dump(), document=release.document, changes=changes)

    async def hierarchy(self, organization_id: int, name: str) -> ReleaseNode:
        """Raises ReleaseNotFound."""
        [tree] = await self.trees([await self.find(organization_id, name)])
        return hierarchy(tree)

    async def entity(self, organization_id: int, entity_id: str) -> AnyNode:
        """A part of a release, with everything below it. Raises EntityNotFound."""
        kind, _, slug = entity_id.partition(":")
        release = await self._store.find_entity(organization_id, kind, slug)
        node = None if release is None else find(hierarchy((await self.trees([release]))[0]), entity_id)
        if node is None:
            raise EntityNotFound
        return node

    async def approve(self, organization_id: int, name: str, by: str) -> ReleaseRead:
        """Lets a draft start; approving again changes nothing. Raises ReleaseNotFound, WrongReleaseState."""
        release = await self._locked(organization_id, name)
        if release.approved_at is not None:
            return await self._read(release)
        if release.state != ReleaseState.DRAFT:
            raise WrongReleaseState(release.state, "approved")
        values = {"approved_by": by, "approved_at": await self._store.now()}
        changed = await self._store.change(release, ReleaseState.DRAFT, **values)
        return await self._tell(contracts.ReleaseApproved, changed, by=_person(by))

    async def start(self, organization_id: int, name: str, by: str) -> ReleaseRead:
        """Begins, now or at the time that the document says.

        Raises ReleaseNotFound, WrongReleaseState, ReleaseNotApproved, and ReleaseInvalid for what was withdrawn since.
        """
        release = await self._locked(organization_id, name)
        if release.state != ReleaseState.DRAFT:
            raise WrongReleaseState(release.state, ReleaseState.RUNNING)
        if release.needs_approval and release.approved_at is None:
            raise ReleaseNotApproved
        await self._documents.resolve(organization_id, ReleaseDocument.model_validate(release.document))
        now = await self._store.now()
        if release.start_at is not None and release.start_at > now:
            return await self.become(release, ReleaseState.SCHEDULED, contracts.ReleaseScheduled, by=_person(by))
        return await self.begin(release, by=_person(by))

    async def begin(self, release: Release, *, by: str = _PLATFORM) -> ReleaseRead:
        """A locked release starts now; its first wave opens with the next step."""
        values = {"started_at": await self._store.now()}
        return await self.become(release, ReleaseState.RUNNING, contracts.ReleaseStarted, by=by, **values)

    async def pause(self, organization_id: int, name: str, by: str) -> ReleaseRead:
        """No more devices begin; those that have begun go on. Pausing again changes nothing, nor does ending again.

        Raises ReleaseNotFound, WrongReleaseState.
        """
        return await self._pause(await self._locked(organization_id, name), by=_person(by))

    async def resume(self, organization_id: int, name: str, by: str, *, ignore_failures: bool) -> ReleaseRead:
        """Goes on. Raises ReleaseNotFound, WrongReleaseState, and GateClosed unless `ignore_failures`."""
        release = await self._locked(organization_id, name)
        if release.state != ReleaseState.PAUSED:
            raise WrongReleaseState(release.state, ReleaseState.RUNNING)
        [tree] = await self.trees([release])
        failed = [branch for branch in tree.waves if branch.wave.failed_at is not None]
        if failed and not ignore_failures:
            raise GateClosed(failed[0].wave.slug, release.detail or "")
        await self._store.forgive({branch.wave.id or 0: branch.tally.against for branch in failed})
        await self._canaries.waive([branch.canary for branch in failed if branch.canary is not None])
        return await self._go_on(tree, by=_person(by))

    async def retry(self, organization_id: int, name: str, by: str) -> ReleaseRead:
        """Updates the devices again for which it failed, watches again what a canary held back, and goes on.

        Raises ReleaseNotFound, WrongReleaseState, NothingToRetry.
        """
        release = await self._locked(organization_id, name)
        if release.state not in _RETRIED:
            raise WrongReleaseState(release.state, "retried")
        [tree] = await self.trees([release])
        failed = [branch for branch in tree.clusters if branch.tally.failed]
        held_back = [wave.canary for wave in tree.waves if wave.wave.failed_at is not None and wave.canary is not None]
        if not failed and not held_back:
            raise NothingToRetry
        for branch in failed:
            await self._batches.retry_failed(organization_id, _batch(branch), release_ref=ref_of(release))
        waves = {branch.wave.id or 0: 0 for branch in tree.waves if branch.tally.failed}
        await self._store.forgive(waves)
        await self._canaries.ask_again(held_back)
        return await self._go_on(tree, by=_person(by))

    async def cancel(self, organization_id: int, name: str, by: str) -> ReleaseRead:
        """Ends it: what has not begun will not, and updates under way are cancelled.

        Raises ReleaseNotFound, WrongReleaseState.
        """
        release = await self._locked(organization_id, name)
        return await self._end(release, ReleaseState.CANCELLED, contracts.ReleaseCancelled, by=_person(by))

    async def roll_back(self, organization_id: int, name: str, by: str) -> ReleaseRead:
        """Puts every device that it touched back to what it ran before. Raises ReleaseNotFound, WrongReleaseState."""
        release = await self._locked(organization_id, name)
        kind = contracts.ReleaseRollbackStarted
        return await self._end(release, ReleaseState.ROLLING_BACK, kind, by=_person(by))

    async def stop(self, release: Release, wave: ReleaseWave, *, reason: str, detail: str) -> ReleaseRead:
        """A wave has failed its gate: a locked release does what its document says of that."""
        why = {"reason": reason, "detail": detail}
        match ReleaseDocument.model_validate(release.document).on_failure:
            case OnFailure.PAUSE:
                return await self._pause(release, by=_PLATFORM, wave=wave, **why)
            case OnFailure.FAIL:
                kind, target = contracts.ReleaseFailed, ReleaseState.FAILED
            case _:
                kind, target = contracts.ReleaseRollbackStarted, ReleaseState.ROLLING_BACK
        return await self._end(release, target, kind, by=_PLATFORM, wave=wave, **why)

    async def halt(self, release: Release, *, reason: str, detail: str, wave: ReleaseWave | None = None) -> ReleaseRead:
        """A locked release waits for a person: something that it needs is not there."""
        return await self._pause(release, by=_PLATFORM, wave=wave, reason=reason, detail=detail)

    async def join(
        self, release: Release, conditions: Conditions, clusters: Mapping[int, int], *, among: Sequence[str] | None
    ) -> int:
        """Takes devices into a locked release that match by now; see ReleaseStore.join."""
        return await self._store.join(release, conditions, clusters, among=among) if conditions else 0

    async def become(
        self,
        release: Release,
        target: ReleaseState,
        kind: Kind,
        *,
        by: str = _PLATFORM,
        wave: ReleaseWave | None = None,
        more: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> ReleaseRead:
        """A locked release in its next state, with the event about it, which may have `more` members.

        Raises WrongReleaseState.
        """
        if release.state != target and not may_become(ReleaseState(release.state), target):
            raise WrongReleaseState(release.state, target)
        changed = await self._store.change(release, target, **values)
        return await self._tell(kind, changed, by=by, wave=wave, more=more)

    async def tell_again(self, organization_id: int) -> None:
        """Tells the releases that go on or ended within a day, and their batches, for copies that lost them."""
        releases = await self._store.lately(organization_id)
        for release, tree in zip(releases, await self.trees(releases), strict=True):
            self._unit.outbox.add(state_event(contracts.ReleaseSnapshot, release, release_read(tree).waves))
        await self._batches.tell_again(organization_id)

    async def trees(self, releases: Sequence[Release]) -> list[ReleaseTree]:
        """Everything below these releases and how far it is, in a constant number of statements."""
        ids = [release.id for release in releases if release.id is not None]
        waves, clusters, apps = await self._store.parts(ids)
        canaries = await self._canaries.standing(ids) if any(wave.canary for wave in waves) else {}
        batches = {batch for cluster in clusters for batch in (cluster.batch_id, cluster.rollback_batch_id) if batch}
        tallies = await self._store.tallies(sorted(batches))

        def branch(cluster: ReleaseCluster) -> ClusterBranch:
            own = [app for app in apps if app.cluster_id == cluster.id]
            done = replace(tallies.get(cluster.batch_id or 0, Tally()), devices=cluster.devices)
            back = tallies.get(cluster.rollback_batch_id or 0, Tally())
            return ClusterBranch(cluster, own, done, None if cluster.taken_back_at is None else back)

        branches = [branch(cluster) for cluster in clusters]
        return [
            ReleaseTree(
                release,
                [
                    WaveBranch(
                        wave,
                        [one for one in branches if one.cluster.wave_id == wave.id],
                        canaries.get(wave.id or 0),
                    )
                    for wave in waves
                    if wave.release_id == release.id
                ],
            )
            for release in releases
        ]

    async def _pause(self, release: Release, *, by: str, wave: ReleaseWave | None = None, **why: str) -> ReleaseRead:
        if release.state == ReleaseState.PAUSED:
            return await self._read(release)
        values: dict[str, Any] = {"paused_at": await self._store.now(), **why}
        paused = await self.become(release, ReleaseState.PAUSED, contracts.ReleasePaused, by=by, wave=wave, **values)
        for batch_id in await self._store.batches(release):
            await self._batches.hold(release.organization_id, batch_id, release_ref=ref_of(release))
        return paused

    async def _go_on(self, tree: ReleaseTree, *, by: str) -> ReleaseRead:
        release = tree.release
        if release.paused_at is not None:
            await self._store.put_off(release, paused_at=release.paused_at)
        for branch in tree.clusters:
            if branch.cluster.batch_id is not None:
                ref = ref_of(release)
                await self._batches.go(release.organization_id, branch.cluster.batch_id, release_ref=ref)
        values = {"paused_at": None, "ended_at": None, "reason": None, "detail": None}
        return await self.become(release, ReleaseState.RUNNING, contracts.ReleaseResumed, by=by, **values)

    async def _end(
        self,
        release: Release,
        target: ReleaseState,
        kind: Kind,
        *,
        by: str,
        wave: ReleaseWave | None = None,
        **why: str,
    ) -> ReleaseRead:
        if release.state == target:
            return await self._read(release)
        values: dict[str, Any] = {"paused_at": None, "ended_at": await self._store.now(), **why}
        ended = await self.become(release, target, kind, by=by, wave=wave, **values)
        for batch_id in await self._store.batches(release):
            with suppress(WrongBatchState):
                await self._batches.cancel(release.organization_id, batch_id, release_ref=ref_of(release))
        return ended

    async def _tell(
        self,
        kind: Kind,
        release: Release,
        *,
        by: str,
        wave: ReleaseWave | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> ReleaseRead:
        read = await self._read(release)
        slug = None if wave is None else wave.slug
        self._unit.outbox.add(state_event(kind, release, read.waves, wave=slug, **more or {}))
        assert release.id is not None  # noqa: S101 - it comes from the database
        await self._store.note(
            ReleaseChange(
                release_id=release.id,
                version=release.version,
                what=kind.type.split(".")[1],
                state=release.state,
                wave=slug,
                detail=release.detail,
                by=by,
                at=release.updated_at,
            )
        )
        return read

    async def _read(self, release: Release) -> ReleaseRead:
        return release_read((await self.trees([release]))[0])

    async def find(self, organization_id: int, name: str, *, lock: bool = False) -> Release:
        """By its slug or its id. Raises ReleaseNotFound."""
        release = await self._store.find(organization_id, name.removeprefix(_PREFIX), lock=lock)
        if release is None:
            raise ReleaseNotFound
        return release

    async def _locked(self, organization_id: int, name: str) -> Release:
        return await self.find(organization_id, name, lock=True)


def _batch(branch: ClusterBranch) -> int:
    assert branch.cluster.batch_id is not None  # noqa: S101 - it has devices that failed
    return branch.cluster.batch_id


def ref_of(release: Release) -> str:
    """By what its batches know it."""
    return f"release:{release.id}"


def _person(by: str) -> str:
    return f"person {by}"


def _id(cluster: ReleaseCluster) -> int:
    assert cluster.id is not None  # noqa: S101 - it comes from the database
    return cluster.id
