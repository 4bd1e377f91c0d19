"""Devices and actions over gRPC, as programs call them."""

import asyncio

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from device_management.actions.service import ActionService
from device_management.device_calls.rpc import SERVICE_NAME
from shared.rpc import device_management_pb2 as pb
from shared.rpc.device_management_pb2_grpc import DeviceManagementStub
from shared.testing import eventually


@pytest.fixture
def register(stub, mine):
    async def call(uid="router-001", **members):
        return await stub.RegisterDevice(pb.RegisterDeviceRequest(device_id=uid, **members), metadata=mine)

    return call


async def refused(call):
    """The status, the stable code and the message with which a call ends."""
    with pytest.raises(aio.AioRpcError) as failure:
        await call
    metadata = dict(failure.value.trailing_metadata() or ())
    return failure.value.code(), metadata.get("code"), failure.value.details()


class TestTheSixCalls:
    async def test_devices_are_registered_and_listed(self, register, stub, mine):
        first = await register("router-001", device_name="Main Router", device_type="router", initial_status=pb.IDLE)
        assert (first.success, first.device_id) == (True, "router-001")
        await register("sensor-001", device_name="Temperature Sensor", device_type="sensor")
        listed = await stub.ListDevices(pb.ListDevicesRequest(), metadata=mine)
        assert [
            (device.device_id, device.device_name, device.device_type, device.status, device.current_action_id)
            for device in listed.devices
        ] == [
            ("router-001", "Main Router", "router", pb.IDLE, ""),
            ("sensor-001", "Temperature Sensor", "sensor", pb.IDLE, ""),
        ]
        assert (listed.success, listed.next_page_token) == (True, "")

    async def test_a_device_is_told_of(self, register, stub, mine):
        await register(device_name="Main Router", device_type="router")
        answer = await stub.GetDeviceInfo(pb.GetDeviceInfoRequest(device_id="router-001"), metadata=mine)
        info = answer.device_info
        assert (info.device_id, info.device_name, info.device_type) == ("router-001", "Main Router", "router")
        assert info.registered_at == info.last_updated
        assert info.registered_at.ToDatetime().year >= 2026

    async def test_a_status_is_set_and_the_one_before_is_told(self, register, stub, mine):
        await register()
        answer = await stub.SetDeviceStatus(
            pb.SetDeviceStatusRequest(device_id="router-001", status=pb.MAINTENANCE), metadata=mine
        )
        assert (answer.success, answer.previous_status, answer.current_status) == (True, pb.IDLE, pb.MAINTENANCE)

    async def test_an_action_is_initiated_and_its_status_told(self, register, stub, mine):
        await register()
        begun = await stub.InitiateDeviceAction(
            pb.InitiateDeviceActionRequest(
                device_id="router-001", action_type=pb.SOFTWARE_UPDATE, action_params={"version": "2.1.0"}
            ),
            metadata=mine,
        )
        assert (begun.success, begun.action_status) == (True, pb.RUNNING)
        answer = await stub.GetDeviceActionStatus(
            pb.GetDeviceActionStatusRequest(action_id=begun.action_id), metadata=mine
        )
        info = answer.action_info
        assert (info.action_id, info.device_id, info.action_type) == (
            begun.action_id,
            "router-001",
            pb.SOFTWARE_UPDATE,
        )
        assert dict(info.action_params) == {"version": "2.1.0"}
        assert not info.HasField("completed_at")
        device = await stub.GetDeviceInfo(pb.GetDeviceInfoRequest(device_id="router-001"), metadata=mine)
        assert device.device_info.current_action_id == begun.action_id


class TestMany:
    async def test_pages_follow_each_other(self, register, stub, mine):
        for number in range(5):
            await register(f"router-{number}")
        seen, token = [], ""
        while True:
            page = await stub.ListDevices(pb.ListDevicesRequest(page_size=2, page_token=token), metadata=mine)
            seen += [device.device_id for device in page.devices]
            token = page.next_page_token
            if not token:
                break
        assert seen == [f"router-{number}" for number in range(5)]

    async def test_a_stream_holds_all_that_a_query_finds(self, register, stub, mine):
        for number in range(3):
            await register(f"router-{number}", device_type="router" if number else "switch")
        stream = stub.StreamDevices(pb.StreamDevicesRequest(rql='eq(device_type,"router")'), metadata=mine)
        assert [device.device_id async for device in stream] == ["router-1", "router-2"]

    async def test_of_many_the_refused_are_named_by_their_place(self, register, stub, mine):
        await register("router-1")
        uids = ["router-0", "router-1", "no/slash", "router-3"]
        sent = [pb.RegisterDeviceRequest(device_id=uid) for uid in uids]
        answer = await stub.RegisterDevices(iter(sent), metadata=mine)
        assert list(answer.device_ids) == ["router-0", "router-3"]
        assert [(one.position, one.device_id, one.code) for one in answer.refused] == [
            (1, "router-1", "device_uid_taken"),
            (2, "no/slash", "unacceptable_uid"),
        ]

    async def test_one_that_means_nothing_and_the_second_of_a_uid_keep_no_other_out(self, stub, mine):
        sent = [
            pb.RegisterDeviceRequest(device_id="router-0"),
            pb.RegisterDeviceRequest(device_id="router-1", initial_status=99),
            pb.RegisterDeviceRequest(device_id="router-0"),
            pb.RegisterDeviceRequest(device_id="router-3"),
        ]
        answer = await stub.RegisterDevices(iter(sent), metadata=mine)
        assert list(answer.device_ids) == ["router-0", "router-3"]
        assert [(one.position, one.code) for one in answer.refused] == [
            (1, "validation_failed"),
            (2, "device_uid_taken"),
        ]

    async def test_more_than_the_platform_takes_are_refused_whole(self, serve, mine, sql):
        async with serve(batch_limit=2) as port, aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            sent = [pb.RegisterDeviceRequest(device_id=f"router-{number}") for number in range(3)]
            status, _, message = await refused(DeviceManagementStub(channel).RegisterDevices(iter(sent), metadata=mine))
        assert (status, message) == (grpc.StatusCode.INVALID_ARGUMENT, "at most 2 devices in one call")
        assert await sql.fetchval("select count(*) from devices") == 0


class TestWatching:
    async def test_an_action_is_watched_to_its_end(self, register, stub, mine, hear, sql):
        await register()
        order = pb.InitiateDeviceActionRequest(device_id="router-001", action_type=pb.SYSTEM_REBOOT)
        begun = await stub.InitiateDeviceAction(order, metadata=mine)
        stream = stub.WatchDeviceAction(pb.GetDeviceActionStatusRequest(action_id=begun.action_id), metadata=mine)
        assert (await stream.read()).status == pb.RUNNING
        command = await sql.fetchval("select command_id::text from device_commands")
        await hear(("router-001", {"id": command, "state": "completed", "result": {"up": True}}))
        last = await stream.read()
        assert (last.status, last.HasField("completed_at")) == (pb.COMPLETED, True)
        assert await stream.read() is aio.EOF

    async def test_many_who_watch_are_answered_by_one_look(self, register, stub, mine, hear, sql, monkeypatch):
        looks = []
        newest = ActionService.newest

        async def look(service, wanted):
            looks.append(len(wanted))
            return await newest(service, wanted)

        monkeypatch.setattr(ActionService, "newest", look)
        streams = []
        for number in range(20):
            await register(f"router-{number}")
            order = pb.InitiateDeviceActionRequest(device_id=f"router-{number}", action_type=pb.SYSTEM_REBOOT)
            begun = await stub.InitiateDeviceAction(order, metadata=mine)
            watched = pb.GetDeviceActionStatusRequest(action_id=begun.action_id)
            streams.append(stub.WatchDeviceAction(watched, metadata=mine))
            assert (await streams[-1].read()).status == pb.RUNNING
        await eventually(lambda: looks and looks[-1] == len(streams))
        commands = await sql.fetch("select device_uid, command_id::text as id from device_commands")
        await hear(*((one["device_uid"], {"id": one["id"], "state": "completed"}) for one in commands))
        assert {(await stream.read()).status for stream in streams} == {pb.COMPLETED}

    async def test_a_watch_ends_when_its_caller_is_shut_out(self, register, stub, mine, organizations, sql):
        await register()
        order = pb.InitiateDeviceActionRequest(device_id="router-001", action_type=pb.SYSTEM_REBOOT)
        begun = await stub.InitiateDeviceAction(order, metadata=mine)
        stream = stub.WatchDeviceAction(pb.GetDeviceActionStatusRequest(action_id=begun.action_id), metadata=mine)
        assert (await stream.read()).status == pb.RUNNING
        revoke = "insert into revocations (kind, subject_id, version, refused) values ('organization', $1, 1, true)"
        await sql.execute(revoke, str(organizations.own))
        async with asyncio.timeout(90):
            assert (await refused(stream.read()))[:2] == (grpc.StatusCode.UNAUTHENTICATED, "unauthenticated")

    async def test_a_watch_ends_at_the_callers_deadline(self, register, stub, mine):
        await register()
        order = pb.InitiateDeviceActionRequest(device_id="router-001", action_type=pb.SYSTEM_REBOOT)
        begun = await stub.InitiateDeviceAction(order, metadata=mine)
        watched = pb.GetDeviceActionStatusRequest(action_id=begun.action_id)
        with pytest.raises(aio.AioRpcError) as failure:
            _ = [action async for action in stub.WatchDeviceAction(watched, metadata=mine, timeout=0.3)]
        assert failure.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED

    async def test_an_action_that_is_cancelled_has_ended(self, register, stub, mine):
        await register()
        order = pb.InitiateDeviceActionRequest(device_id="router-001", custom_type="blink", priority=5)
        begun = await stub.InitiateDeviceAction(order, metadata=mine)
        answer = await stub.CancelDeviceAction(pb.CancelDeviceActionRequest(action_id=begun.action_id), metadata=mine)
        assert (answer.action_info.status, answer.action_info.custom_type) == (pb.CANCELLED, "blink")
        again = await stub.CancelDeviceAction(pb.CancelDeviceActionRequest(action_id=begun.action_id), metadata=mine)
        assert again == answer

    async def test_one_that_has_ended_otherwise_is_not_cancelled(self, register, stub, mine, hear, sql):
        await register()
        order = pb.InitiateDeviceActionRequest(device_id="router-001", action_type=pb.SYSTEM_REBOOT)
        begun = await stub.InitiateDeviceAction(order, metadata=mine)
        command = await sql.fetchval("select command_id::text from device_commands")
        await hear(("router-001", {"id": command, "state": "failed", "error": "no power"}))
        late = stub.CancelDeviceAction(pb.CancelDeviceActionRequest(action_id=begun.action_id), metadata=mine)
        assert (await refused(late))[:2] == (grpc.StatusCode.FAILED_PRECONDITION, "wrong_transition")


class TestRefusals:
    async def test_without_a_good_token(self, stub, bearing, credentials, organizations):
        request = pb.ListDevicesRequest()
        for metadata in ((), bearing("nonsense"), (("authorization", "Basic eDp5"),)):
            assert (await refused(stub.ListDevices(request, metadata=metadata)))[:2] == (
                grpc.StatusCode.UNAUTHENTICATED,
                "unauthenticated",
            )
        reader = bearing(credentials.person("devices:read", organization_id=organizations.own))
        write = stub.RegisterDevice(pb.RegisterDeviceRequest(device_id="x"), metadata=reader)
        status, code, message = await refused(write)
        assert (status, code) == (grpc.StatusCode.PERMISSION_DENIED, "forbidden")
        assert "devices:write" in message
        device = bearing(credentials.device("router-001", organization_id=organizations.own))
        assert (await refused(stub.ListDevices(request, metadata=device)))[0] is grpc.StatusCode.PERMISSION_DENIED

    async def test_of_another_organization_nothing_is_found(
        self, register, stub, mine, bearing, credentials, organizations
    ):
        await register()
        order = pb.InitiateDeviceActionRequest(device_id="router-001", action_type=pb.SYSTEM_REBOOT)
        begun = await stub.InitiateDeviceAction(order, metadata=mine)
        theirs = bearing(credentials.person("devices:read", "devices:write", organization_id=organizations.other))
        calls = [
            stub.GetDeviceInfo(pb.GetDeviceInfoRequest(device_id="router-001"), metadata=theirs),
            stub.SetDeviceStatus(pb.SetDeviceStatusRequest(device_id="router-001", status=pb.IDLE), metadata=theirs),
            stub.InitiateDeviceAction(order, metadata=theirs),
            stub.GetDeviceActionStatus(pb.GetDeviceActionStatusRequest(action_id=begun.action_id), metadata=theirs),
            stub.CancelDeviceAction(pb.CancelDeviceActionRequest(action_id=begun.action_id), metadata=theirs),
        ]
        assert {(await refused(call))[0] for call in calls} == {grpc.StatusCode.NOT_FOUND}
        watch = stub.WatchDeviceAction(pb.GetDeviceActionStatusRequest(action_id=begun.action_id), metadata=theirs)
        assert (await refused(watch.read()))[0] is grpc.StatusCode.NOT_FOUND
        assert list((await stub.ListDevices(pb.ListDevicesRequest(), metadata=theirs)).devices) == []

    async def test_a_uid_that_is_taken(self, register):
        await register()
        assert (await refused(register()))[:2] == (grpc.StatusCode.ALREADY_EXISTS, "device_uid_taken")

    @pytest.mark.parametrize(
        ("method", "request_"),
        [
            ("RegisterDevice", pb.RegisterDeviceRequest(device_id="a" * 65)),
            ("RegisterDevice", pb.RegisterDeviceRequest(device_id="with space")),
            ("RegisterDevice", pb.RegisterDeviceRequest(device_id="nul\0")),
            ("RegisterDevice", pb.RegisterDeviceRequest(device_id="x", initial_status=99)),
            ("SetDeviceStatus", pb.SetDeviceStatusRequest(device_id="router-001")),
            ("SetDeviceStatus", pb.SetDeviceStatusRequest(device_id="router-001", status=99)),
            ("InitiateDeviceAction", pb.InitiateDeviceActionRequest(device_id="router-001")),
            ("InitiateDeviceAction", pb.InitiateDeviceActionRequest(device_id="router-001", action_type=99)),
            ("InitiateDeviceAction", pb.InitiateDeviceActionRequest(device_id="router-001", custom_type="no/slash")),
            ("InitiateDeviceAction", pb.InitiateDeviceActionRequest(device_id="router-001", custom_type="cancel")),
            (
                "InitiateDeviceAction",
                pb.InitiateDeviceActionRequest(device_id="router-001", custom_type="x", deadline_seconds=-1),
            ),
            ("ListDevices", pb.ListDevicesRequest(page_size=-1)),
            ("ListDevices", pb.ListDevicesRequest(page_token="nonsense")),
            ("ListDevices", pb.ListDevicesRequest(rql="eq(")),
        ],
        ids=str,
    )
    async def test_what_means_nothing_is_an_invalid_argument(self, register, stub, mine, method, request_):
        await register()
        status, code, message = await refused(getattr(stub, method)(request_, metadata=mine))
        assert status is grpc.StatusCode.INVALID_ARGUMENT
        assert code
        assert message

    @pytest.mark.parametrize("action_id", ["", "abc", "-1", "9" * 40, "٣"])
    async def test_an_action_that_is_none_is_not_found(self, stub, mine, action_id):
        asked = stub.GetDeviceActionStatus(pb.GetDeviceActionStatusRequest(action_id=action_id), metadata=mine)
        assert (await refused(asked))[:2] == (grpc.StatusCode.NOT_FOUND, "action_not_found")

    async def test_a_caller_who_asks_too_much(self, serve, mine):
        async with serve(per_second=1) as port, aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = DeviceManagementStub(channel)
            calls = [stub.ListDevices(pb.ListDevicesRequest(), metadata=mine) for _ in range(30)]
            answers = await asyncio.gather(*calls, return_exceptions=True)
        codes = {answer.code() for answer in answers if isinstance(answer, aio.AioRpcError)}
        assert codes == {grpc.StatusCode.RESOURCE_EXHAUSTED}

    async def test_who_has_no_valid_token_uses_up_the_share_of_their_address_alone(self, serve, mine, bearing):
        async with serve(per_second=1) as port, aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = DeviceManagementStub(channel)
            forged = [stub.ListDevices(pb.ListDevicesRequest(), metadata=bearing(f"forged-{n}")) for n in range(15)]
            unsigned = [stub.ListDevices(pb.ListDevicesRequest()) for _ in range(15)]
            answers = await asyncio.gather(*forged, *unsigned, return_exceptions=True)
            codes = {answer.code() for answer in answers}
            assert codes == {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.RESOURCE_EXHAUSTED}
            await stub.ListDevices(pb.ListDevicesRequest(), metadata=mine)

    async def test_a_defect_tells_nothing_of_itself(self, stub, mine, monkeypatch):
        async def broken(*_args, **_options):
            raise RuntimeError("the password is 1234")

        monkeypatch.setattr("device_management.devices.service.DeviceService.info", broken)
        asked = stub.GetDeviceInfo(pb.GetDeviceInfoRequest(device_id="router-001"), metadata=mine)
        assert await refused(asked) == (grpc.StatusCode.INTERNAL, None, "something went wrong on our side")


class TestTheServer:
    async def test_its_health_is_told_without_a_token(self, channel):
        for name in ("", SERVICE_NAME):
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING

    async def test_it_describes_itself(self, channel):
        asked = reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE_NAME)
        stream = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([asked]))
        answer = await stream.read()
        files = [
            descriptor_pb2.FileDescriptorProto.FromString(content)
            for content in answer.file_descriptor_response.file_descriptor_proto
        ]
        methods = {method.name for file in files for service in file.service for method in service.method}
        assert {"RegisterDevice", "SetDeviceStatus", "GetDeviceInfo", "ListDevices"} <= methods
