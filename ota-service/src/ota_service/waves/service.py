"""How releases go on. One step is one transaction that holds the release's row from its first statement to its last.

So of any number of workers one decides a wave, and what it decides on cannot have changed when it is written.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement

from ota_service.batches.errors import WrongBatchState
from ota_service.batches.schemas import BatchPlan
from ota_service.batches.service import BatchService
from ota_service.canaries.schemas import Criteria
from ota_service.canaries.service import NO_ANSWER, CanaryService
from ota_service.firmware.errors import FirmwareNotApproved, FirmwareNotFound, FirmwareWithdrawn
from ota_service.fleet.errors import GroupNotFound
from ota_service.fleet.schemas import Selection
from ota_service.release_documents.schemas import ClusterDocument, Gate, ReleaseDocument
from ota_service.release_documents.service import DocumentService
from ota_service.releases.models import (
    ClusterBranch,
    Release,
    ReleaseCluster,
    ReleaseTree,
    ReleaseWave,
    WaveBranch,
)
from ota_service.releases.service import ReleaseService, ref_of
from ota_service.releases.states import ReleaseState
from ota_service.sessions.schemas import Terms
from ota_service.waves.rules import FAILING, HOLDS_SO_FAR, Times, Verdict, explained, judge, may_begin, watch
from ota_service.waves.store import WaveStore
from shared.contracts import releases as contracts
from shared.contracts.canaries import CanaryMetric, CanaryRequest
from shared.rql.errors import BadQuery, QueryTooSlow
from shared.sql.steps import carrying_on

HANDED_AT_ONCE = 5_000
"""How many devices a step hands to batches at the most, which bounds its transaction."""

_LOOK_AGAIN_S = 0.5
_PASSED_OVER = 200
"""How many releases are looked at together."""
_MAX_DETAIL = 500
_DECIDED = frozenset({Verdict.PASSED, Verdict.UNWATCHED})
_JOIN_EVERY = timedelta(seconds=30)
"""Who comes later is told by events; this finds who came while the release did not run."""


class WaveService:
    def __init__(
        self,
        store: WaveStore,
        releases: ReleaseService,
        documents: DocumentService,
        batches: BatchService,
        canaries: CanaryService,
    ) -> None:
        self._store = store
        self._releases = releases
        self._documents = documents
        self._batches = batches
        self._canaries = canaries

    async def step(self) -> bool:
        """Carries one release on, if any can be; answers whether there was something to do, or is for another one.

        Raises StepFailed.
        """
        release = await self._store.take()
        if release is None:
            return False
        release_id = release.id or 0
        with carrying_on(release_id):
            went_on = await self._step(release)
        await self._store.step_again_in([release_id], 0 if went_on else _LOOK_AGAIN_S)
        return went_on or await self._pass_over()

    async def put_off(self, subject: int, seconds: float) -> None:
        """Leaves a release aside for a while that could not be carried on."""
        await self._store.step_again_in([subject], seconds)

    async def _pass_over(self) -> bool:
        """Puts off those behind which have nothing to do either; answers whether one among them has.

        They are only looked at, all together: what is to be done is decided by a step of its own, which locks. So many
        releases that wait for their devices make no other one wait for its turn.
        """
        behind = await self._store.behind(_PASSED_OVER)
        if not behind:
            return False
        now = await self._store.now()
        trees = await self._releases.trees(behind)
        waiting = [tree.release.id or 0 for tree in trees if _waits(tree, now)]
        await self._store.step_again_in(waiting, _LOOK_AGAIN_S)
        return len(waiting) < len(behind)

    async def join(self, organization_id: int, uids: Sequence[str] | None) -> None:
        """Takes those of these devices that match by now into the releases that ask for it; None: whoever matches."""
        for release_id in await self._store.open_to_all(organization_id):
            strangers = None if uids is None else await self._store.strangers(release_id, uids)
            if strangers != []:
                release = await self._store.lock_running(release_id)
                if release is not None:
                    await self._join(release, among=strangers)

    async def _step(self, release: Release) -> bool:
        went_on = True
        match ReleaseState(release.state):
            case ReleaseState.SCHEDULED:
                await self._releases.begin(release)
            case ReleaseState.ROLLING_BACK:
                went_on = await self._take_back(release)
            case _:
                went_on = await self._carry_on(release)
        return went_on

    async def _carry_on(self, release: Release) -> bool:
        document, now = ReleaseDocument.model_validate(release.document), await self._store.now()
        if document.join_late and release.joined_at + _JOIN_EVERY <= now:
            await self._join(release)
            await self._store.mark(release, joined_at=now)
        [tree] = await self._releases.trees([release])
        opened = [branch for branch in tree.waves if branch.wave.opened_at is not None]
        verdicts = [_verdict(branch, now) for branch in opened]
        for branch, verdict in zip(opened, verdicts, strict=True):
            if verdict in FAILING:
                await self._stop(release, branch, verdict, now)
                return True
        if opened and opened[-1].wave.passed_at is None:
            passed = await self._weigh(release, opened[-1], verdicts[-1], now)
            return passed or await self._hand_out(release, document, opened, now)
        if len(opened) < len(tree.waves):
            await self._open(release, tree.waves[len(opened)].wave, now)
            return True
        if not tree.tally.open:
            kind = contracts.ReleaseCompleted
            await self._releases.become(release, ReleaseState.COMPLETED, kind, ended_at=now)
            return True
        return await self._hand_out(release, document, opened, now)

    async def _stop(self, release: Release, branch: WaveBranch, verdict: Verdict, now: datetime) -> None:
        canary, wave = branch.canary, branch.wave
        if canary is None or verdict not in {Verdict.CANARY_FAILED, Verdict.CANARY_INCONCLUSIVE}:
            detail = explained(verdict, wave.slug, branch.tally, _gate(wave))
        elif canary.verdict is None and not await self._canaries.give_up(canary):
            return
        else:
            detail = f"{wave.slug}: {canary.detail or NO_ANSWER}"[:_MAX_DETAIL]
        await self._store.mark(wave, failed_at=now)
        if verdict is Verdict.CANARY_INCONCLUSIVE:
            await self._releases.halt(release, wave=wave, reason=verdict, detail=detail)
        else:
            await self._releases.stop(release, wave, reason=verdict, detail=detail)

    async def _weigh(self, release: Release, branch: WaveBranch, verdict: Verdict, now: datetime) -> bool:
        """Keeps since when a wave's threshold is met; answers whether its gate has gone on."""
        wave = branch.wave
        if verdict is Verdict.PASSED:
            await self._store.mark(wave, met_at=wave.met_at or now, passed_at=now)
            kind = contracts.ReleaseWaveCompleted
            await self._releases.become(release, ReleaseState.RUNNING, kind, wave=wave)
            return True
        holds = verdict in HOLDS_SO_FAR
        if holds != (wave.met_at is not None):
            await self._store.mark(wave, met_at=now if holds else None)
        if verdict is Verdict.UNWATCHED:
            await self._watch(release, wave, now)
        return verdict is Verdict.UNWATCHED

    async def _watch(self, release: Release, wave: ReleaseWave, now: datetime) -> None:
        """Asks monitoring to compare the wave's devices with others from now on."""
        criteria = Criteria.model_validate(wave.canary)
        canary = await self._canaries.ask(release.organization_id, release.id or 0, wave.id or 0, criteria, now=now)
        request = CanaryRequest(
            canary_id=canary.id or 0,
            wave=wave.slug,
            metrics=[CanaryMetric(**one.model_dump()) for one in criteria.metrics],
            alerts=criteria.alerts,
            min_devices=criteria.min_devices,
            begins=canary.begins_at,
            ends=canary.ends_at,
        )
        kind = contracts.ReleaseCanaryRequested
        await self._releases.become(release, ReleaseState.RUNNING, kind, wave=wave, more={"canary": request})

    async def _open(self, release: Release, wave: ReleaseWave, now: datetime) -> None:
        await self._store.mark(wave, opened_at=now)
        await self._releases.become(release, ReleaseState.RUNNING, contracts.ReleaseWaveOpened, wave=wave)

    async def _hand_out(
        self, release: Release, document: ReleaseDocument, opened: Sequence[WaveBranch], now: datetime
    ) -> bool:
        """Gives devices of open waves to their clusters' batches, as many as the pace allows."""
        left = HANDED_AT_ONCE
        for branch in opened:
            allowed = _allowed(branch, document, now, left)
            for one in branch.clusters:
                if allowed and one.cluster.handed < one.cluster.devices:
                    uids = await self._store.waiting(one.cluster, allowed)
                    try:
                        batch_id = await self._give(release, document, branch.wave, one, uids)
                    except (FirmwareNotApproved, FirmwareNotFound, FirmwareWithdrawn) as error:
                        await self._releases.halt(release, reason=error.code, detail=error.detail)
                        return True
                    await self._store.handed(one.cluster, uids, batch_id)
                    allowed, left = allowed - len(uids), left - len(uids)
        return left < HANDED_AT_ONCE

    async def _give(
        self,
        release: Release,
        document: ReleaseDocument,
        wave: ReleaseWave,
        branch: ClusterBranch,
        uids: Sequence[str],
    ) -> int:
        """The batch that has these devices of a cluster now.

        Raises FirmwareNotApproved, FirmwareNotFound, FirmwareWithdrawn.
        """
        cluster = branch.cluster
        if cluster.batch_id is not None:
            ref = ref_of(release)
            await self._batches.add(release.organization_id, cluster.batch_id, uids, release_ref=ref)
            return cluster.batch_id
        plan = BatchPlan(
            name=cluster.slug[:200],
            terms=_terms(document, branch),
            selection=Selection(uids=uids),
            concurrency=document.concurrency,
            per_site=document.per_site,
            window=document.window,
            release_ref=ref_of(release),
            release=release.slug,
            wave=wave.slug,
        )
        return (await self._batches.create(release.organization_id, release.created_by, plan)).id

    async def _join(self, release: Release, *, among: Sequence[str] | None = None) -> None:
        """Takes in the devices that match by now, of these or of all. A selection that is none any more finds nobody.

        Neither does one that takes too long: what goes on without it is not held up.
        """
        [tree] = await self._releases.trees([release])
        clusters = {branch.cluster.source: branch.cluster.id or 0 for branch in tree.clusters}
        conditions: dict[int, Sequence[ColumnElement[bool]]] = {}
        for source, document in enumerate(tree.sources):
            with suppress(BadQuery, GroupNotFound):
                chosen = ClusterDocument.model_validate(document)
                conditions[source] = await self._documents.conditions(release.organization_id, chosen)
        with suppress(QueryTooSlow):
            await self._releases.join(release, conditions, clusters, among=among)

    async def _take_back(self, release: Release) -> bool:
        """Each batch is taken back by another one, which begins once nothing of it is under way any more."""
        [tree] = await self._releases.trees([release])
        waiting = [branch.cluster for branch in tree.clusters if branch.cluster.taken_back_at is None]
        now = await self._store.now()
        for cluster in waiting:
            await self._store.mark(cluster, rollback_batch_id=await self._back(release, cluster), taken_back_at=now)
        if waiting:
            return True
        if not await self._store.has_ended([branch.cluster.rollback_batch_id for branch in tree.clusters]):
            return False
        await self._releases.become(release, ReleaseState.ROLLED_BACK, contracts.ReleaseRolledBack)
        return True

    async def _back(self, release: Release, cluster: ReleaseCluster) -> int | None:
        """The batch that takes a cluster back; None where nothing was begun."""
        if cluster.batch_id is None:
            return None
        with suppress(WrongBatchState):
            batch = await self._batches.rollback(
                release.organization_id, cluster.batch_id, release.created_by, release_ref=ref_of(release)
            )
            return batch.id
        return None


def _waits(tree: ReleaseTree, now: datetime) -> bool:
    """Whether a running release has nothing to do now, as far as one can see: `_carry_on` would change nothing."""
    document = ReleaseDocument.model_validate(tree.release.document)
    if document.join_late and tree.release.joined_at + _JOIN_EVERY <= now:
        return False
    opened = [branch for branch in tree.waves if branch.wave.opened_at is not None]
    verdicts = [_verdict(branch, now) for branch in opened]
    if FAILING.intersection(verdicts):
        return False
    if opened and opened[-1].wave.passed_at is None:
        if verdicts[-1] in _DECIDED or (verdicts[-1] in HOLDS_SO_FAR) != (opened[-1].wave.met_at is not None):
            return False
    elif len(opened) < len(tree.waves) or not tree.tally.open:
        return False
    return not any(_allowed(branch, document, now) for branch in opened if _is_left(branch))


def _is_left(branch: WaveBranch) -> bool:
    """Whether there are devices that no batch has yet."""
    return any(one.cluster.handed < one.cluster.devices for one in branch.clusters)


def _allowed(branch: WaveBranch, document: ReleaseDocument, now: datetime, most: int = HANDED_AT_ONCE) -> int:
    """How many more devices of an open wave may begin now."""
    handed = sum(one.cluster.handed for one in branch.clusters)
    open_for = now - (branch.wave.opened_at or now)
    return may_begin(document.max_per_hour, handed=handed, open_for=open_for, most=most)


def _verdict(branch: WaveBranch, now: datetime) -> Verdict:
    """What the gate says. One that has passed can still fail by its devices, and in no other way."""
    wave = branch.wave
    times = Times(now, wave.opened_at or now, wave.met_at)
    verdict = judge(branch.tally, _gate(wave), times, forgiven=wave.forgiven)
    if wave.passed_at is not None:
        return Verdict.PASSED if verdict is Verdict.TOO_SLOW else verdict
    watched = verdict is Verdict.PASSED and wave.canary is not None and branch.tally.succeeded
    return watch(branch.canary, now=now) if watched else verdict


def _gate(wave: ReleaseWave) -> Gate:
    return Gate(wave.success_threshold, wave.failure_threshold, wave.soak_s, wave.min_s, wave.max_s)


def _terms(document: ReleaseDocument, branch: ClusterBranch) -> Terms:
    return Terms(
        firmware_ids=tuple(app.firmware_id for app in branch.apps),
        deadline_s=document.deadline_s,
        soak_s=document.device_soak_s,
        consent=document.consent,
        force=document.force,
        floors={app.name: app.floor for app in branch.apps if app.floor is not None},
    )
