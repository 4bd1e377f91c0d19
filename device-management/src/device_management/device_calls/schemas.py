"""Between the messages of gRPC and the shapes that the services take and give."""

import json
from datetime import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from device_management.actions.schemas import ActionOrder, ActionRead
from device_management.actions.states import ActionState
from device_management.devices.schemas import DeviceInfo, DeviceRead
from device_management.devices.states import Status
from device_management.registration.schemas import BatchDevice, DeviceCreate
from shared.rpc import device_management_pb2 as pb
from shared.rpc.errors import InvalidRequest


def status_word(status: "pb.DeviceStatus.ValueType") -> str:
    """Raises InvalidRequest for one that is not given or not known."""
    if status not in pb.DeviceStatus.values() or status == pb.DEVICE_STATUS_UNSPECIFIED:
        raise InvalidRequest("status: give one of the statuses")
    return pb.DeviceStatus.Name(status).lower()


def device_status(status: Status) -> "pb.DeviceStatus.ValueType":
    return pb.DeviceStatus.Value(status.upper())


def action_status(state: ActionState) -> "pb.ActionStatus.ValueType":
    return pb.ActionStatus.Value(state.upper())


def device_create(request: pb.RegisterDeviceRequest) -> DeviceCreate:
    """Raises ValidationError, InvalidRequest."""
    return DeviceCreate.model_validate(_members(request))


def batch_device(request: pb.RegisterDeviceRequest, organization_id: int) -> BatchDevice:
    """Raises ValidationError, InvalidRequest."""
    return BatchDevice.model_validate(_members(request) | {"organization_id": organization_id})


def _members(request: pb.RegisterDeviceRequest) -> dict[str, Any]:
    members: dict[str, Any] = {
        "device_uid": request.device_id,
        "name": request.device_name,
        "device_type": request.device_type,
        "serial_number": request.serial_number,
        "hardware_version": request.hardware_version,
    }
    given = {name: value for name, value in members.items() if value}
    if request.initial_status != pb.DEVICE_STATUS_UNSPECIFIED:
        given["status"] = status_word(request.initial_status)
    return given


def order(request: pb.InitiateDeviceActionRequest) -> ActionOrder:
    """Raises ValidationError, InvalidRequest."""
    if (request.action_type == pb.ACTION_TYPE_UNSPECIFIED) == (not request.custom_type):
        raise InvalidRequest("action_type: give it, or a custom_type")
    if request.action_type not in pb.ActionType.values():
        raise InvalidRequest("action_type: give one of the types")
    kind = request.custom_type or pb.ActionType.Name(request.action_type)
    members: dict[str, Any] = {"type": kind, "params": dict(request.action_params), "priority": request.priority}
    if request.deadline_seconds:
        members["deadline_s"] = request.deadline_seconds
    return ActionOrder.model_validate(members)


def device_info(device: DeviceInfo | DeviceRead) -> pb.DeviceInfo:
    uid, kind = (device.id, device.type) if isinstance(device, DeviceInfo) else (device.device_uid, device.device_type)
    return pb.DeviceInfo(
        device_id=uid,
        device_name=device.name or "",
        device_type=kind or "",
        status=device_status(device.status),
        registered_at=_timestamp(device.registered_at),
        last_updated=_timestamp(device.updated_at),
        current_action_id="" if device.current_action_id is None else str(device.current_action_id),
    )


def action_info(action: ActionRead) -> pb.ActionInfo:
    own = action.type.upper() not in pb.ActionType.keys()  # noqa: SIM118 - an enum wrapper is no mapping
    return pb.ActionInfo(
        action_id=str(action.action_id),
        device_id=action.device_uid,
        action_type=pb.ACTION_TYPE_UNSPECIFIED if own else pb.ActionType.Value(action.type.upper()),
        status=action_status(action.state),
        initiated_at=_timestamp(action.requested_at),
        completed_at=None if action.completed_at is None else _timestamp(action.completed_at),
        action_params={
            name: value if isinstance(value, str) else json.dumps(value) for name, value in action.params.items()
        },
        error_message=action.error or "",
        custom_type=action.type if own else "",
        progress=action.progress,
    )


def _timestamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
