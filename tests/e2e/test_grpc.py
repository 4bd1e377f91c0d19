"""Programs of others over gRPC: a client that was generated from the proto file alone, against the running platform."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import httpx

import shared.rpc
from muster_stack.stack import Stack

CLIENT = """
import sys
import grpc
import device_management_pb2 as pb
import device_management_pb2_grpc as rpc

address, token, uid = sys.argv[1:]
metadata = [("authorization", f"Bearer {token}")]
with grpc.insecure_channel(address) as channel:
    stub = rpc.DeviceManagementStub(channel)
    print(stub.RegisterDevice(pb.RegisterDeviceRequest(device_id=uid), metadata=metadata).message)
    order = pb.InitiateDeviceActionRequest(device_id=uid, action_type=pb.SYSTEM_REBOOT)
    begun = stub.InitiateDeviceAction(order, metadata=metadata)
    asked = pb.GetDeviceActionStatusRequest(action_id=begun.action_id)
    print(pb.ActionStatus.Name(stub.GetDeviceActionStatus(asked, metadata=metadata).action_info.status))
    device = stub.GetDeviceInfo(pb.GetDeviceInfoRequest(device_id=uid), metadata=metadata).device_info
    print(device.current_action_id == begun.action_id)
    found = stub.ListDevices(pb.ListDevicesRequest(rql=f'eq(device_uid,"{uid}")'), metadata=metadata)
    print([one.device_id for one in found.devices] == [uid])
    wanted = pb.SetDeviceStatusRequest(device_id=uid, status=pb.MAINTENANCE)
    print(pb.DeviceStatus.Name(stub.SetDeviceStatus(wanted, metadata=metadata).current_status))
    try:
        stub.GetDeviceInfo(pb.GetDeviceInfoRequest(device_id="nobody"), metadata=metadata)
    except grpc.RpcError as error:
        print(error.code().name)
"""


def test_a_client_generated_from_the_proto_file_makes_all_six_calls(
    stack: Stack, people: httpx.AsyncClient, tmp_path: Path
):
    proto = tmp_path / "device_management.proto"
    proto.write_text((Path(shared.rpc.__file__).parent / proto.name).read_text())
    generate = [sys.executable, "-m", "grpc_tools.protoc", f"-I{tmp_path}", f"--python_out={tmp_path}"]
    subprocess.run([*generate, f"--grpc_python_out={tmp_path}", proto], check=True, capture_output=True)
    uid = f"program-{uuid4().hex[:8]}"
    token = people.headers["Authorization"].removeprefix("Bearer ")
    finished = subprocess.run(
        [sys.executable, "-c", CLIENT, stack.info["grpc"], token, uid],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        timeout=240,
    )
    assert finished.stdout.splitlines() == [
        f"device {uid} registered",
        "RUNNING",
        "True",
        "True",
        "MAINTENANCE",
        "NOT_FOUND",
    ]
