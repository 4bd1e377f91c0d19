"""What a document comes to: waves, clusters, names, and everything that is wrong with it."""

from ota_service.release_documents.rules import plan_of, repeated, slug_of
from ota_service.release_documents.schemas import ReleaseDocument

BUNDLE = {"slug": "web-services", "apps": [{"slug": "api-gateway", "firmware_id": 1}]}


def document(**members):
    return ReleaseDocument.model_validate({"name": "January", **members})


def by_cluster(**members):
    cluster = {"slug": "us-west", "rql": 'eq(attributes/region,"us-west")', "bundle": BUNDLE}
    return document(slug="rel-2025-01", waves=[{"slug": "wave-1", "clusters": [cluster]}], **members)


def by_percent(*percents, **members):
    clusters = [{"slug": "pumps", "group_id": 1}, {"slug": "valves", "group_id": 2}]
    waves = [{"percent": percent} for percent in percents]
    return document(slug="rel-1", bundle=BUNDLE, clusters=clusters, waves=waves, **members)


def faults(document):
    return [(fault.location, fault.type) for fault in plan_of(document).faults]


def test_everything_has_the_name_that_the_document_gives_it():
    plan = plan_of(by_cluster())
    assert plan.faults == []
    assert plan.entities() == [
        ("release", "rel-2025-01"),
        ("wave", "wave-1"),
        ("cluster", "us-west"),
        ("bundle", "web-services"),
        ("app", "api-gateway"),
    ]


def test_what_has_no_name_or_is_divided_gets_one_with_the_releases_in_front():
    plan = plan_of(by_percent(10, 90))
    assert plan.entities()[:6] == [
        ("release", "rel-1"),
        ("wave", "rel-1-wave-1"),
        ("cluster", "rel-1-wave-1-pumps"),
        ("bundle", "rel-1-wave-1-pumps-web-services"),
        ("app", "rel-1-wave-1-pumps-api-gateway"),
        ("cluster", "rel-1-wave-1-valves"),
    ]
    assert repeated(plan) == []


def test_a_release_without_a_slug_has_one_from_its_name():
    assert plan_of(document(name="Très grande mise à jour 2.0!", waves=[{"percent": 100}])).slug == (
        "tres-grande-mise-a-jour-2-0"
    )
    assert slug_of("水") == "release"


def test_percentages_are_parts_of_every_cluster():
    plan = plan_of(by_percent(10, 30, 60))
    assert [[(one.source, one.share) for one in wave.clusters] for wave in plan.waves] == [
        [(0, (0, 10)), (1, (0, 10))],
        [(0, (10, 40)), (1, (10, 40))],
        [(0, (40, 100)), (1, (40, 100))],
    ]


def test_a_wave_has_the_releases_gate_but_for_what_it_says_itself():
    release = document(
        bundle=BUNDLE,
        clusters=[{"group_id": 1}],
        waves=[{"percent": 10, "success_threshold": 100, "soak_s": 60}, {"percent": 90}],
        failure_threshold=5,
        max_s=3600,
    )
    first, second = plan_of(release).waves
    assert (first.gate.success_threshold, first.gate.failure_threshold, first.gate.soak_s) == (100, 5, 60)
    assert (second.gate.success_threshold, second.gate.soak_s, second.gate.max_s) == (90, 0, 3600)


def test_every_fault_is_told_with_its_place():
    release = document(
        bundle={"apps": [{"firmware_id": 1, "name": "x", "version": "1"}, {"name": "x"}]},
        clusters=[{"group_id": 1, "rql": "exists(name)"}, {}],
        waves=[{"percent": 10}, {"percent": 60, "min_s": 9, "max_s": 3}],
    )
    assert faults(release) == [
        (("waves", 1, "percent"), "percent_sum"),
        (("waves", 1), "max_s"),
        (("clusters", 0), "one_selection"),
        (("clusters", 1), "one_selection"),
        (("bundle", "apps", 0), "one_firmware"),
        (("bundle", "apps", 1), "one_firmware"),
    ]


def test_waves_go_by_percent_or_by_cluster_and_not_by_both():
    cluster = {"group_id": 1, "bundle": BUNDLE}
    mixed = document(clusters=[cluster], waves=[{"percent": 100}, {"clusters": [cluster]}])
    assert (("waves", 1, "clusters"), "percent_or_clusters") in faults(mixed)
    both = document(waves=[{"percent": 100, "clusters": [cluster]}])
    assert (("waves", 0), "percent_or_clusters") in faults(both)
    assert (("clusters",), "missing") in faults(document(bundle=BUNDLE, waves=[{"percent": 100}]))
    unused = document(clusters=[cluster], waves=[{"clusters": [cluster]}])
    assert (("clusters",), "unused") in faults(unused)


def test_each_cluster_needs_a_bundle_and_each_bundle_a_cluster():
    assert faults(document(waves=[{"clusters": [{"group_id": 1}]}])) == [
        (("waves", 0, "clusters", 0, "bundle"), "missing")
    ]
    assert faults(by_cluster(bundle=BUNDLE)) == [(("bundle",), "unused")]


def test_one_name_for_two_things_is_told():
    clusters = [{"slug": "north", "group_id": group, "bundle": {"apps": [{"firmware_id": 1}]}} for group in (1, 2)]
    plan = plan_of(document(slug="rel", waves=[{"clusters": clusters}]))
    assert {fault.message.split()[0] for fault in repeated(plan)} >= {"cluster:north"}
