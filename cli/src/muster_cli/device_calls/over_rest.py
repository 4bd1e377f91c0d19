"""The calls over REST."""

from collections.abc import AsyncIterator, Mapping

from muster_cli.client import MusterClient
from muster_cli.client.actions import Action
from muster_cli.client.devices import Device, NewDevice
from muster_cli.device_calls.facts import ActionFacts, DeviceFacts, StatusFacts
from muster_cli.errors import Refused
from muster_cli.problems import next_step

_DEADLINE_S = 3_600
_TYPES = frozenset({"software_update", "firmware_update", "system_reboot", "configuration_change"})


class RestCalls:
    def __init__(self, client: MusterClient) -> None:
        self._client = client

    async def register(self, uid: str, *, name: str | None, kind: str | None, status: str) -> str:
        given = {"device_uid": uid, "name": name, "device_type": kind, "status": status.lower()}
        new = NewDevice.model_validate({key: value for key, value in given.items() if value is not None})
        return (await self._client.register(new)).device_uid

    async def devices(self) -> AsyncIterator[DeviceFacts]:
        async for device in self._client.devices():
            yield _device(device)

    async def device(self, uid: str) -> DeviceFacts:
        return _device(await self._client.device(uid))

    async def set_status(self, uid: str, status: str) -> StatusFacts:
        change = await self._client.set_status(uid, status.lower())
        return StatusFacts(previous=change.previous_status, current=change.current_status)

    async def initiate(self, uid: str, kind: str, params: Mapping[str, str]) -> ActionFacts:
        word = kind.lower() if kind.lower() in _TYPES else kind
        return _action(await self._client.run_action(uid, word, params, deadline_s=_DEADLINE_S))

    async def action(self, action_id: str) -> ActionFacts:
        if not action_id.isdecimal():
            code, message = "action_not_found", f'"{action_id}" is no action\'s id'
            raise Refused(404, code, message, next_step(code, 404))
        return _action(await self._client.action(int(action_id)))


def _device(device: Device) -> DeviceFacts:
    current = device.current_action_id
    return DeviceFacts(
        id=device.device_uid,
        name=device.name,
        type=device.device_type,
        status=device.status,
        registered_at=device.registered_at,
        updated_at=device.updated_at,
        current_action_id=None if current is None else str(current),
    )


def _action(action: Action) -> ActionFacts:
    return ActionFacts(
        id=str(action.action_id),
        device_id=action.device_uid,
        type=action.type,
        status=action.state,
        initiated_at=action.requested_at,
        completed_at=action.completed_at,
        params={name: str(value) for name, value in action.params.items()},
        error=action.error,
        progress=action.progress,
    )
