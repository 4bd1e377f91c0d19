"""Documents against the firmware, groups and devices that there are."""

import pytest

from ota_service.release_documents.errors import ReleaseInvalid
from ota_service.release_documents.schemas import ReleaseDocument
from ota_service.release_documents.service import DocumentService


@pytest.fixture
def resolve(app):
    async def resolve(organization_id=1, **members):
        document = ReleaseDocument.model_validate({"name": "January", "waves": [{"percent": 100}], **members})
        async with app.state.scopes() as scope:
            return await scope.get(DocumentService).resolve(organization_id, document)

    return resolve


def cluster(**members):
    return {"rql": "exists(name)", **members}


async def test_firmware_is_named_by_id_or_by_name_and_version(resolve, add_firmware):
    firmware = await add_firmware("2.0")
    apps = [{"firmware_id": firmware.id}]
    by_id = await resolve(bundle={"apps": apps}, clusters=[cluster()])
    by_name = await resolve(bundle={"apps": [{"name": "edge", "version": "2.0"}]}, clusters=[cluster()])
    for resolved in (by_id, by_name):
        [app] = resolved.plan.clusters[0].apps
        assert resolved.firmware[app.location].id == firmware.id
        assert resolved.hardware(resolved.plan.clusters[0]) is None


async def test_everything_that_is_wrong_is_told_at_once_with_its_place(resolve, add_firmware):
    unapproved, other = await add_firmware("2.0", approved=False), await add_firmware("3.0", organization_id=2)
    with pytest.raises(ReleaseInvalid) as refused:
        await resolve(
            bundle={"apps": [{"firmware_id": unapproved.id}, {"firmware_id": other.id}]},
            clusters=[cluster(rql="eq(colour,1)"), {"group_id": 9}, cluster()],
        )
    assert [(error["location"], error["type"]) for error in refused.value.extra["errors"]] == [
        (["body", "clusters", "0", "rql"], "bad_query"),
        (["body", "clusters", "1", "group_id"], "group_not_found"),
        (["body", "bundle", "apps", "0"], "firmware_not_approved"),
        (["body", "bundle", "apps", "1"], "firmware_not_found"),
    ]


async def test_a_bundle_fits_some_hardware_and_has_each_firmware_once(resolve, add_firmware):
    old = await add_firmware("1.0", hardware_versions=["r1", "r2"])
    new = await add_firmware("2.0", hardware_versions=["r2", "r3"])
    other = await add_firmware("3.0", hardware_versions=["r4"])
    with pytest.raises(ReleaseInvalid) as refused:
        await resolve(bundle={"apps": [{"firmware_id": f.id} for f in (old, new, other)]}, clusters=[cluster()])
    assert [(error["location"][-1], error["type"]) for error in refused.value.extra["errors"]] == [
        ("1", "firmware_repeated"),
        ("2", "hardware_mismatch"),
    ]
    resolved = await resolve(bundle={"apps": [{"firmware_id": old.id}]}, clusters=[cluster()])
    assert resolved.hardware(resolved.plan.clusters[0]) == ["r1", "r2"]


async def test_a_floor_is_a_version_that_there_is(resolve, add_firmware):
    old, new = await add_firmware("1.0"), await add_firmware("2.0")
    bundle = {"apps": [{"firmware_id": new.id, "floor": old.version}]}
    assert (await resolve(bundle=bundle, clusters=[cluster()])).plan.clusters
    bundle["apps"][0]["floor"] = "1.5"
    with pytest.raises(ReleaseInvalid) as refused:
        await resolve(bundle=bundle, clusters=[cluster()])
    [error] = refused.value.extra["errors"]
    assert (error["location"][-1], error["type"]) == ("floor", "firmware_not_found")
