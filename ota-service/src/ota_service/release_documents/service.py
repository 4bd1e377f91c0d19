"""From a document to a plan that can be carried out, or every place where it cannot. Writes nothing."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement

from ota_service.firmware.models import Firmware
from ota_service.firmware.service import FirmwareService
from ota_service.firmware.states import FirmwareState
from ota_service.fleet.errors import GroupNotFound
from ota_service.fleet.schemas import Selection
from ota_service.fleet.service import SelectionService
from ota_service.release_documents.errors import ReleaseInvalid
from ota_service.release_documents.rules import plan_of, repeated
from ota_service.release_documents.schemas import (
    AppDocument,
    ClusterDocument,
    Fault,
    Location,
    Plan,
    ReleaseDocument,
    Resolved,
)
from shared.rql.errors import BadQuery

_MOST_FAULTS = 100


class DocumentService:
    def __init__(self, selections: SelectionService, firmware: FirmwareService) -> None:
        self._selections = selections
        self._firmware = firmware

    async def resolve(self, organization_id: int, document: ReleaseDocument) -> Resolved:
        """Raises ReleaseInvalid with everything that is wrong."""
        plan = plan_of(document)
        faults = [*plan.faults, *repeated(plan)]
        conditions: dict[int, Sequence[ColumnElement[bool]]] = {}
        for number, (location, cluster) in enumerate(plan.sources):
            try:
                conditions[number] = await self.conditions(organization_id, cluster)
            except BadQuery as error:
                faults.append(Fault((*location, "rql"), error.detail, error.code))
            except GroupNotFound as error:
                faults.append(Fault((*location, "group_id"), error.detail, error.code))
        firmware = await self._resolve_firmware(organization_id, plan, faults)
        if faults:
            raise ReleaseInvalid([_place(fault) for fault in faults[:_MOST_FAULTS]])
        return Resolved(plan, conditions, firmware)

    async def conditions(self, organization_id: int, cluster: ClusterDocument) -> Sequence[ColumnElement[bool]]:
        """What holds of a cluster's devices. Raises BadQuery, GroupNotFound."""
        chosen = Selection(cluster.device_uids, cluster.rql, cluster.group_id, cluster.site_id)
        if chosen == Selection():
            return []
        return await self._selections.conditions(organization_id, chosen)

    async def _resolve_firmware(
        self, organization_id: int, plan: Plan, faults: list[Fault]
    ) -> dict[Location, Firmware]:
        """Each app's firmware by its place; what is wrong with any of it goes to `faults`."""
        apps = {app.location: app.document for cluster in plan.clusters for app in cluster.apps}
        known = await self._firmware.named(
            organization_id,
            ids={app.firmware_id for app in apps.values() if app.firmware_id is not None},
            versions={(app.name, app.version) for app in apps.values() if app.name and app.version},
        )
        found: dict[Location, Firmware] = {}
        for location, app in apps.items():
            match = next((firmware for firmware in known if _is(firmware, app)), None)
            if match is None:
                faults.append(Fault(location, "there is no such firmware", "firmware_not_found"))
            elif match.state != FirmwareState.APPROVED:
                faults.append(Fault(location, f"the firmware is {match.state}, not approved", "firmware_not_approved"))
            else:
                found[location] = match
        faults += _bundle_faults(plan, found)
        faults += await self._floor_faults(organization_id, apps, found)
        return found

    async def _floor_faults(
        self, organization_id: int, apps: Mapping[Location, AppDocument], found: Mapping[Location, Firmware]
    ) -> list[Fault]:
        """A floor is a version of the same firmware that was uploaded some time."""
        floors = {at: (found[at].name, app.floor) for at, app in apps.items() if at in found and app.floor is not None}
        known = await self._firmware.named(organization_id, ids=(), versions=set(floors.values()))
        versions = {(one.name, one.version) for one in known}
        message = "there is no such version of this firmware"
        return [
            Fault((*at, "floor"), message, "firmware_not_found") for at, one in floors.items() if one not in versions
        ]


def _bundle_faults(plan: Plan, found: Mapping[Location, Firmware]) -> list[Fault]:
    """A bundle has each firmware once, and some hardware that all of it fits."""
    faults: dict[Location, Fault] = {}
    for cluster in plan.clusters:
        names: set[str] = set()
        hardware: set[str] | None = None
        for app in cluster.apps:
            firmware = found.get(app.location)
            if firmware is None:
                continue
            if firmware.name in names:
                message = f"the bundle has {firmware.name} already"
                faults[app.location] = Fault(app.location, message, "firmware_repeated")
            names.add(firmware.name)
            fits = set(firmware.hardware_versions)
            hardware = hardware if not fits else fits if hardware is None else hardware & fits
            if hardware is not None and not hardware:
                message = "no hardware fits this firmware and those before it in the bundle"
                faults[app.location] = Fault(app.location, message, "hardware_mismatch")
    return list(faults.values())


def _is(firmware: Firmware, app: AppDocument) -> bool:
    if app.firmware_id is not None:
        return firmware.id == app.firmware_id
    return (firmware.name, firmware.version) == (app.name, app.version)


def _place(fault: Fault) -> dict[str, object]:
    """As a request of the wrong shape is answered, so that a program reads one kind of list."""
    return {
        "location": ["body", *(str(part) for part in fault.location)],
        "message": fault.message,
        "type": fault.type,
    }
