"""From the document of a release to its plan, pure: waves, clusters, the names of all of them, and what is wrong."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

from ota_service.release_documents.schemas import (
    AppDocument,
    BundleDocument,
    ClusterDocument,
    Fault,
    Gate,
    Location,
    Plan,
    PlannedApp,
    PlannedCluster,
    PlannedWave,
    ReleaseDocument,
    WaveDocument,
)

_SELECTORS = ("group_id", "site_id", "rql", "device_uids")
_NO_BUNDLE = BundleDocument.model_construct(apps=[])


def plan_of(document: ReleaseDocument) -> Plan:
    """The plan, with every fault of the document that can be seen without looking anything up."""
    slug = document.slug or slug_of(document.name)
    sources = list(_sources(document))
    waves = [_Wave(document, slug, number, sources).planned() for number in range(len(document.waves))]
    return Plan(slug, waves, sources, [*_structure(document), *_selections(sources), *_bundles(document, sources)])


def slug_of(name: str) -> str:
    """`name` as a slug: what is no letter or digit of ASCII becomes a hyphen."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or "release"


def repeated(plan: Plan) -> list[Fault]:
    """A name that the document gives to two things of one kind."""
    twice = [entity for entity, number in Counter(plan.entities()).items() if number > 1]
    return [Fault((), f"{kind}:{slug} is there twice; give one another slug", "slug_repeated") for kind, slug in twice]


class _Wave:
    """One wave of a document on its way into the plan."""

    def __init__(
        self,
        document: ReleaseDocument,
        slug: str,
        number: int,
        sources: Sequence[tuple[Location, ClusterDocument]],
    ) -> None:
        self._document = document
        self._release = slug
        self._number = number
        self._sources = sources
        self._wave = document.waves[number]

    def planned(self) -> PlannedWave:
        slug = self._wave.slug or f"{self._release}-wave-{self._number + 1}"
        return PlannedWave(
            slug=slug,
            name=self._wave.name or f"Wave {self._number + 1}",
            percent=self._wave.percent,
            gate=_gate(self._document, self._wave),
            canary=self._wave.canary,
            clusters=[self._cluster(source) for source in self._own()],
        )

    def _own(self) -> list[int]:
        """Numbers of the selections of which this wave has a part."""
        if self._wave.clusters is None:
            return [number for number, (location, _) in enumerate(self._sources) if location[0] == "clusters"]
        mine = ("waves", self._number, "clusters")
        return [number for number, (location, _) in enumerate(self._sources) if location[:3] == mine]

    def _cluster(self, source: int) -> PlannedCluster:
        location, cluster = self._sources[source]
        word = cluster.slug or f"cluster-{location[-1] + 1}"  # pyright: ignore[reportOperatorIssue] - ends with an index
        divided = self._wave.clusters is None and len(self._document.waves) > 1
        kept = cluster.slug is not None and not divided
        slug = word if kept else f"{self._release}-wave-{self._number + 1}-{word}"
        own = cluster.bundle is not None
        bundle = cluster.bundle or self._document.bundle or _NO_BUNDLE
        at = (*location, "bundle") if own else ("bundle",)
        within = slug if slug.startswith(f"{self._release}-") else f"{self._release}-{slug}"
        whole = not divided and (own or len(self._sources) == 1)
        return PlannedCluster(
            slug=slug,
            name=cluster.name or word,
            source=source,
            share=self._share(),
            bundle_slug=bundle.slug if bundle.slug and whole else f"{within}-{bundle.slug or 'bundle'}",
            bundle_name=bundle.name or bundle.slug or "Bundle",
            apps=[
                PlannedApp(
                    slug=app.slug if app.slug and whole else f"{within}-{app.slug or _word(app, number)}",
                    document=app,
                    location=(*at, "apps", number),
                )
                for number, app in enumerate(bundle.apps)
            ],
        )

    def _share(self) -> tuple[int, int]:
        if self._wave.percent is None:
            return 0, 100
        before = sum(wave.percent or 0 for wave in self._document.waves[: self._number])
        return before, before + self._wave.percent


def _word(app: AppDocument, number: int) -> str:
    return slug_of(app.name) if app.name else f"app-{number + 1}"


def _gate(document: ReleaseDocument, wave: WaveDocument) -> Gate:
    def own(member: str) -> int:
        value = getattr(wave, member)
        return getattr(document, member) if value is None else value

    return Gate(own("success_threshold"), own("failure_threshold"), own("soak_s"), own("min_s"), own("max_s"))


def _sources(document: ReleaseDocument) -> Iterator[tuple[Location, ClusterDocument]]:
    for number, cluster in enumerate(document.clusters or []):
        yield ("clusters", number), cluster
    for place, wave in enumerate(document.waves):
        for number, cluster in enumerate(wave.clusters or []):
            yield ("waves", place, "clusters", number), cluster


def _structure(document: ReleaseDocument) -> Iterator[Fault]:
    """Waves by percentage share the release's clusters; waves by cluster have their own."""
    by_percent = [wave.percent is not None for wave in document.waves]
    for number, wave in enumerate(document.waves):
        at = ("waves", number)
        if (wave.percent is None) == (wave.clusters is None):
            yield Fault(at, "give either percent, or clusters of its own", "percent_or_clusters")
        elif any(by_percent) and wave.percent is None:
            yield Fault((*at, "clusters"), "either all waves go by percent, or none", "percent_or_clusters")
    if any(by_percent) and document.clusters is None:
        yield Fault(("clusters",), "waves by percent need clusters of the release", "missing")
    if not any(by_percent) and document.clusters is not None:
        yield Fault(("clusters",), "no wave takes a percentage of these clusters", "unused")
    total = sum(wave.percent or 0 for wave in document.waves)
    if all(by_percent) and total != 100:
        at = ("waves", len(by_percent) - 1, "percent")
        yield Fault(at, f"the percentages of the waves add up to {total}, not to 100", "percent_sum")
    for number, wave in enumerate(document.waves):
        gate = _gate(document, wave)
        if gate.max_s is not None and gate.max_s < gate.min_s:
            yield Fault(("waves", number), "max_s is shorter than min_s", "max_s")


def _selections(sources: Sequence[tuple[Location, ClusterDocument]]) -> Iterator[Fault]:
    for location, cluster in sources:
        if sum(getattr(cluster, selector) is not None for selector in _SELECTORS) != 1:
            yield Fault(location, f"give one of {', '.join(_SELECTORS)}", "one_selection")


def _bundles(document: ReleaseDocument, sources: Sequence[tuple[Location, ClusterDocument]]) -> Iterator[Fault]:
    own = [((*location, "bundle"), cluster.bundle) for location, cluster in sources]
    for location, bundle in [(("bundle",), document.bundle), *own]:
        for number, app in enumerate(bundle.apps if bundle else []):
            by_name = app.name is not None and app.version is not None
            if (app.firmware_id is not None) + by_name != 1 or (app.name is None) != (app.version is None):
                yield Fault((*location, "apps", number), "give firmware_id, or name and version", "one_firmware")
    if document.bundle is None:
        for location, bundle in own:
            if bundle is None:
                yield Fault(location, "it has no bundle, and neither has the release", "missing")
    elif sources and all(bundle is not None for _, bundle in own):
        yield Fault(("bundle",), "every cluster has a bundle of its own", "unused")
