"""Use cases of configuration: what a device is to be set to, and what it reports."""

from collections.abc import Mapping, Sequence
from typing import Any

from device_management.actions.schemas import ActionOrder
from device_management.actions.service import ActionService
from device_management.audit.schemas import Actor, Change
from device_management.audit.service import AuditService
from device_management.configuration.errors import ConfigurationTooLarge
from device_management.configuration.events import state_event
from device_management.configuration.models import Configuration
from device_management.configuration.rules import changes, drift
from device_management.configuration.schemas import ConfigurationRead, DesiredConfiguration, Reported
from device_management.configuration.store import ConfigurationStore
from device_management.devices.errors import DeviceNotFound
from device_management.devices.schemas import MAX_JSON_BYTES, storable_json
from device_management.groups.models import ChosenDevice
from device_management.groups.schemas import Selection
from device_management.groups.service import SelectionService
from shared.contracts.configuration import (
    ConfigurationChanged,
    ConfigurationReported,
    ConfigurationSnapshot,
    ConfigurationState,
)
from shared.http.preconditions import Expected
from shared.sql.unit_of_work import UnitOfWork

CHANGE = "configuration_change"
"""The action that sets the members of `params.configuration`; one that is null is taken away."""


class ConfigurationService:
    def __init__(
        self,
        unit: UnitOfWork,
        store: ConfigurationStore,
        selections: SelectionService,
        actions: ActionService,
        audit: AuditService,
    ) -> None:
        self._unit = unit
        self._store = store
        self._selections = selections
        self._actions = actions
        self._audit = audit

    async def get(self, organization_id: int, reference: str) -> ConfigurationRead:
        """Raises DeviceNotFound."""
        device = await self._device(organization_id, reference)
        return _read(device, await self._store.find(organization_id, device.id))

    async def put(
        self, organization_id: int, reference: str, body: DesiredConfiguration, expected: Expected, *, by: Actor
    ) -> ConfigurationRead:
        """Asks the device to become as it should be; what is so already asks nothing.

        Raises DeviceNotFound, DeviceIsRetired, Stale and ConfigurationTooLarge.
        """
        device = await self._device(organization_id, reference)
        present = await self._store.lock(organization_id, device.id)
        expected.require(present.version)
        before = dict(present.desired)
        wanted = changes(before, body.desired)
        if not wanted:
            return _read(device, present)
        _require_fitting(wanted)
        order = ActionOrder(type=CHANGE, params={"configuration": wanted})
        action = await self._actions.request(organization_id, device.device_uid, order, by=by)
        changed = await self._store.replace(present, body.desired)
        self._tell(ConfigurationChanged, changed, device.device_uid)
        note = Change("device", str(device.id), "configured", before=before, after=body.desired)
        await self._audit.record(organization_id, by, [note])
        return _read(device, changed).model_copy(update={"action_id": action.action_id})

    async def hear(self, reports: Sequence[Reported]) -> None:
        """Takes over what devices report, and tells of what has changed; of one device the last counts."""
        newest = {report.device_uid: report for report in reports}
        for uid, configuration in await self._store.report([newest[uid] for uid in sorted(newest)]):
            self._tell(ConfigurationReported, configuration, uid)

    async def tell_again(self, device_ids: Sequence[int]) -> None:
        """Tells how the configurations of these devices stand, for copies that lost it."""
        for uid, configuration in await self._store.of(device_ids):
            self._tell(ConfigurationSnapshot, configuration, uid)

    def _tell(self, kind: type[ConfigurationState], configuration: Configuration, uid: str) -> None:
        differing = drift(configuration.desired, configuration.reported)
        number = None if differing is None else len(differing)
        self._unit.outbox.add(state_event(kind, configuration, uid, drift=number))

    async def without_room(
        self, organization_id: int, device_ids: Sequence[int], params: Mapping[str, Any]
    ) -> set[int]:
        """Those of these devices whose configuration would be too large with `params`.

        Until the transaction ends nobody else changes the configurations that there are.
        """
        return await self._store.without_room(organization_id, device_ids, params, most=MAX_JSON_BYTES)

    async def set_on_all(self, organization_id: int, device_ids: Sequence[int], params: Mapping[str, Any]) -> None:
        """Adds `params` to what these devices are to be set to; whoever calls asks the devices."""
        await self._store.set_on_all(organization_id, device_ids, params)

    async def forget(self, device_ids: Sequence[int]) -> None:
        """Of purged devices nothing stays."""
        await self._store.remove(device_ids)

    async def _device(self, organization_id: int, reference: str) -> ChosenDevice:
        chosen = await self._selections.chosen(organization_id, Selection(references=[reference]), limit=1)
        if not chosen:
            raise DeviceNotFound
        return chosen[0]


def _read(device: ChosenDevice, found: Configuration | None) -> ConfigurationRead:
    if found is None:
        return ConfigurationRead(
            device_uid=device.device_uid, desired={}, reported=None, reported_at=None, drift=None, version=0
        )
    return ConfigurationRead(
        **found.model_dump(include={"desired", "reported", "reported_at", "version"}),
        device_uid=device.device_uid,
        drift=drift(found.desired, found.reported),
    )


def _require_fitting(wanted: dict[str, Any]) -> None:
    try:
        storable_json(wanted)
    except ValueError:
        raise ConfigurationTooLarge(MAX_JSON_BYTES) from None
