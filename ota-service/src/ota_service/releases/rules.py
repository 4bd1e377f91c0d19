"""From a plan to rows, and from the devices below to the state and progress of everything in a release; pure."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from ota_service.canaries.schemas import CanaryRead
from ota_service.firmware.models import Firmware
from ota_service.release_documents.schemas import Plan, PlannedCluster, Resolved
from ota_service.releases.models import (
    ClusterBranch,
    Release,
    ReleaseApp,
    ReleaseCluster,
    ReleaseTree,
    ReleaseWave,
    Slot,
    Tally,
    WaveBranch,
)
from ota_service.releases.schemas import (
    AnyNode,
    AppNode,
    BundleNode,
    ClusterNode,
    DryCluster,
    DryRun,
    DryWave,
    ProgressRead,
    ReleaseNode,
    ReleaseRead,
    WaveNode,
    WaveRead,
)
from ota_service.releases.states import EntityKind, ReleaseState

_SELECTORS = ("group_id", "site_id", "rql", "device_uids")


def waves_of(release: Release, plan: Plan) -> list[ReleaseWave]:
    return [
        ReleaseWave(
            release_id=_id(release),
            position=place,
            slug=wave.slug,
            name=wave.name,
            percent=wave.percent,
            canary=None if wave.canary is None else wave.canary.model_dump(),
            **vars(wave.gate),
        )
        for place, wave in enumerate(plan.waves)
    ]


def clusters_of(waves: Sequence[ReleaseWave], plan: Plan) -> list[ReleaseCluster]:
    """The clusters of stored waves, in the plan's order."""
    pairs = [(row, cluster) for row, wave in zip(waves, plan.waves, strict=True) for cluster in wave.clusters]
    return [
        ReleaseCluster(
            release_id=wave.release_id,
            wave_id=_id(wave),
            position=place,
            slug=cluster.slug,
            name=cluster.name,
            bundle_slug=cluster.bundle_slug,
            bundle_name=cluster.bundle_name,
            source=cluster.source,
        )
        for place, (wave, cluster) in enumerate(pairs)
    ]


def apps_of(clusters: Sequence[ReleaseCluster], resolved: Resolved) -> list[ReleaseApp]:
    """The apps of stored clusters."""
    return [
        ReleaseApp(
            cluster_id=_id(row),
            position=place,
            slug=app.slug,
            firmware_id=_id(resolved.firmware[app.location]),
            name=resolved.firmware[app.location].name,
            version=resolved.firmware[app.location].version,
            floor=app.document.floor,
        )
        for row, cluster in zip(clusters, resolved.plan.clusters, strict=True)
        for place, app in enumerate(cluster.apps)
    ]


def slots_of(
    plan: Plan, numbers: Sequence[int], hardware: Callable[[PlannedCluster], Sequence[str] | None] = lambda _: None
) -> list[Slot]:
    """Which devices belong to each cluster of the plan, of which these are the numbers."""
    return [
        Slot(number, cluster.source, *cluster.share, hardware(cluster))
        for number, cluster in zip(numbers, plan.clusters, strict=True)
    ]


def dry_run(plan: Plan, found: Sequence[tuple[int, str | None, int]]) -> DryRun:
    """`found` has, by the place of a cluster in the plan and by obstacle, how many devices there are."""
    places = {cluster.slug: place for place, cluster in enumerate(plan.clusters)}
    waves = [
        DryWave(
            id=entity_id(EntityKind.WAVE, wave.slug),
            name=wave.name,
            devices=0,
            clusters=[
                _dry_cluster(cluster, [one[1:] for one in found if one[0] == places[cluster.slug]])
                for cluster in wave.clusters
            ],
        )
        for wave in plan.waves
    ]
    for wave in waves:
        wave.devices = sum(cluster.devices for cluster in wave.clusters)
    obstacles = Counter[str]()
    for _, reason, devices in found:
        obstacles.update({reason: devices} if reason else {})
    return DryRun(
        id=entity_id(EntityKind.RELEASE, plan.slug),
        devices=sum(wave.devices for wave in waves),
        obstacles=obstacles,
        waves=waves,
    )


def _dry_cluster(cluster: PlannedCluster, found: Sequence[tuple[str | None, int]]) -> DryCluster:
    return DryCluster(
        id=entity_id(EntityKind.CLUSTER, cluster.slug),
        name=cluster.name,
        devices=sum(devices for _, devices in found),
        obstacles={reason: devices for reason, devices in found if reason is not None},
    )


def progress(tally: Tally) -> ProgressRead:
    return ProgressRead(
        devices=tally.devices,
        waiting=tally.waiting,
        in_progress=tally.initiated,
        succeeded=tally.succeeded,
        failed=tally.failed,
        skipped=tally.skipped,
        cancelled=tally.cancelled,
        percent=100 * tally.ended // tally.devices if tally.devices else 100,
    )


def wave_state(release: ReleaseState, wave: ReleaseWave, tally: Tally) -> ReleaseState:
    """Of a wave: that of its release until it opens, then what became of its gate and its devices."""
    if release in {ReleaseState.DRAFT, ReleaseState.SCHEDULED}:
        return release
    if wave.opened_at is None:
        waits = release in {ReleaseState.RUNNING, ReleaseState.PAUSED}
        return ReleaseState.SCHEDULED if waits else ReleaseState.CANCELLED
    if release in {ReleaseState.ROLLING_BACK, ReleaseState.ROLLED_BACK}:
        return release
    if wave.failed_at is not None:
        return ReleaseState.FAILED
    if wave.passed_at is not None and not tally.open:
        return ReleaseState.COMPLETED
    return ReleaseState.CANCELLED if release in {ReleaseState.CANCELLED, ReleaseState.FAILED} else release


def cluster_state(wave: ReleaseState, success_threshold: int, tally: Tally) -> ReleaseState:
    """Of a cluster and what it gets: that of its wave until all of its devices have ended."""
    judged = {ReleaseState.RUNNING, ReleaseState.PAUSED, ReleaseState.COMPLETED, ReleaseState.FAILED}
    if wave not in judged or tally.open:
        return wave
    enough = tally.succeeded * 100 >= success_threshold * tally.counted
    return ReleaseState.COMPLETED if enough else ReleaseState.FAILED


def selection(document: dict[str, Any]) -> dict[str, Any]:
    """The members of a cluster's document that say which devices are meant."""
    return {name: document[name] for name in _SELECTORS if document.get(name) is not None}


def release_read(tree: ReleaseTree) -> ReleaseRead:
    release = tree.release
    return ReleaseRead(
        **release.model_dump(exclude={"id", "state"}),
        id=entity_id(EntityKind.RELEASE, release.slug),
        description=release.document.get("description"),
        state=ReleaseState(release.state),
        progress=progress(tree.tally),
        rollback=progress(tree.back) if tree.back is not None else None,
        waves=[_wave_read(release, branch) for branch in tree.waves],
    )


def _wave_read(release: Release, branch: WaveBranch) -> WaveRead:
    return WaveRead(
        **branch.wave.model_dump(exclude={"id", "canary"}),
        id=entity_id(EntityKind.WAVE, branch.wave.slug),
        state=wave_state(ReleaseState(release.state), branch.wave, branch.tally),
        progress=progress(branch.tally),
        canary=_canary_read(branch),
    )


def _canary_read(branch: WaveBranch) -> CanaryRead | None:
    if branch.wave.canary is None:
        return None
    asked = {} if branch.canary is None else branch.canary.model_dump(exclude={"figures"})
    figures = [] if branch.canary is None else branch.canary.figures or []
    return CanaryRead.model_validate(asked | {"criteria": branch.wave.canary, "figures": figures})


def hierarchy(tree: ReleaseTree) -> ReleaseNode:
    """The whole tree of a release."""
    release = tree.release
    own = entity_id(EntityKind.RELEASE, release.slug)
    return ReleaseNode(
        id=own,
        type=EntityKind.RELEASE,
        name=release.name,
        parent=None,
        state=ReleaseState(release.state),
        progress=progress(tree.tally),
        rollback=progress(tree.back) if tree.back is not None else None,
        waves=[_wave_node(tree, branch, own) for branch in tree.waves],
    )


def find(root: ReleaseNode, wanted: str) -> AnyNode | None:
    """The node of that id."""
    clusters = [cluster for wave in root.waves for cluster in wave.clusters]
    bundles = [cluster.bundle for cluster in clusters]
    nodes: list[AnyNode] = [root, *root.waves, *clusters, *bundles, *(app for bundle in bundles for app in bundle.apps)]
    return next((node for node in nodes if node.id == wanted), None)


def entity_id(kind: EntityKind, slug: str) -> str:
    return f"{kind}:{slug}"


def _wave_node(tree: ReleaseTree, branch: WaveBranch, parent: str) -> WaveNode:
    wave, documents = branch.wave, tree.sources
    own = entity_id(EntityKind.WAVE, wave.slug)
    state = wave_state(ReleaseState(tree.release.state), wave, branch.tally)
    return WaveNode(
        id=own,
        type=EntityKind.WAVE,
        name=wave.name,
        parent=parent,
        state=state,
        progress=progress(branch.tally),
        percent=wave.percent,
        clusters=[
            _cluster_node(
                cluster,
                own,
                cluster_state(state, wave.success_threshold, cluster.tally),
                selection(documents[cluster.cluster.source]),
            )
            for cluster in branch.clusters
        ],
    )


def _cluster_node(branch: ClusterBranch, parent: str, state: ReleaseState, chosen: dict[str, Any]) -> ClusterNode:
    cluster = branch.cluster
    own, bundle = entity_id(EntityKind.CLUSTER, cluster.slug), entity_id(EntityKind.BUNDLE, cluster.bundle_slug)
    derived: dict[str, Any] = {
        "state": state,
        "progress": progress(branch.tally),
        "rollback": progress(branch.back) if branch.back is not None else None,
    }
    return ClusterNode(
        id=own,
        type=EntityKind.CLUSTER,
        name=cluster.name,
        parent=parent,
        **derived,
        selection=chosen,
        batch_id=cluster.batch_id,
        rollback_batch_id=cluster.rollback_batch_id,
        bundle=BundleNode(
            id=bundle,
            type=EntityKind.BUNDLE,
            name=cluster.bundle_name,
            parent=own,
            **derived,
            apps=[
                AppNode(
                    id=entity_id(EntityKind.APP, app.slug),
                    type=EntityKind.APP,
                    name=app.name,
                    parent=bundle,
                    **derived,
                    firmware_id=app.firmware_id,
                    firmware_name=app.name,
                    firmware_version=app.version,
                    floor=app.floor,
                )
                for app in branch.apps
            ],
        ),
    )


def _id(row: Release | ReleaseWave | ReleaseCluster | Firmware) -> int:
    assert row.id is not None  # noqa: S101 - it comes from the database
    return row.id
