from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_management.broker_access.rules import (
    GRACE,
    device_asked_for,
    gateway_of,
    gateway_user,
    good_generation,
    may_use_resource,
    may_use_topic,
    must_close,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
UIDS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


@given(UIDS, UIDS, st.sampled_from(["telemetry", "status", "replies", "state"]))
def test_a_device_writes_under_its_own_uid_only(uid, other, channel):
    allowed = may_use_topic(uid, exchange="amq.topic", permission="write", routing_key=f"devices.{other}.{channel}")
    assert allowed == (uid == other)


@given(UIDS, st.text(max_size=80))
def test_a_device_reads_its_own_commands_and_nothing_else(uid, key):
    own = f"devices.{uid}.commands"
    assert may_use_topic(uid, exchange="amq.topic", permission="read", routing_key=own)
    assert may_use_topic(uid, exchange="amq.topic", permission="read", routing_key=key) == (key == own)


@pytest.mark.parametrize("key", ["#", "devices.#", "devices.*.commands", "devices.pump-1.#", "", "devices.pump-1"])
@pytest.mark.parametrize("permission", ["read", "write", "configure"])
def test_wildcards_and_parts_match_nothing(key, permission):
    assert not may_use_topic("pump-1", exchange="amq.topic", permission=permission, routing_key=key)


def test_commands_are_not_the_devices_to_write():
    key = "devices.pump-1.commands"
    assert not may_use_topic("pump-1", exchange="amq.topic", permission="write", routing_key=key)


@pytest.mark.parametrize("exchange", ["muster.events", "muster.live", "", "amq.rabbitmq.event"])
def test_no_other_exchange_is_open_to_devices(exchange):
    assert not may_use_topic("p", exchange=exchange, permission="write", routing_key="devices.p.telemetry")
    assert not may_use_resource("p", kind="exchange", name=exchange, permission="write")


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("mqtt-subscription-sensor-1qos0", True),
        ("mqtt-subscription-sensor-1qos1", True),
        ("device.sensor-1", True),
        ("mqtt-subscription-sensor-10qos1", False),
        ("mqtt-subscription-sensor-1qos2", False),
        ("device.sensor-10", False),
        ("monitoring.telemetry", False),
    ],
)
def test_queues_are_named_exactly(name, allowed):
    for permission in ("configure", "write", "read"):
        assert may_use_resource("sensor-1", kind="queue", name=name, permission=permission) == allowed


def test_a_device_may_not_declare_the_exchange():
    assert not may_use_resource("p", kind="exchange", name="amq.topic", permission="configure")


@pytest.mark.parametrize(
    ("lifecycle", "generation", "good"),
    [
        ("deployed", 2, True),
        ("deployed", 3, True),
        ("deployed", 1, False),
        ("deployed", None, False),
        ("retired", 2, False),
    ],
)
def test_a_generation_below_the_least_is_revoked(lifecycle, generation, good):
    assert good == good_generation(suspended=False, lifecycle=lifecycle, generation=generation, min_generation=2)


@pytest.mark.parametrize(
    ("connected", "revoked", "expires", "closed"),
    [
        (NOW, None, None, False),
        (NOW - timedelta(hours=1), NOW, None, True),
        (NOW + GRACE, NOW, None, True),
        (NOW + GRACE + timedelta(milliseconds=1), NOW, None, False),
        (NOW, None, NOW + timedelta(seconds=1), False),
        (NOW, None, NOW, True),
    ],
)
def test_a_connection_ends_when_its_token_does(connected, revoked, expires, closed):
    assert closed == must_close(
        connected_at=connected,
        suspended=False,
        lifecycle="deployed",
        tokens_revoked_at=revoked,
        token_expires_at=expires,
        now=NOW,
    )


def test_a_retired_devices_connection_ends():
    assert must_close(
        connected_at=NOW, suspended=False, lifecycle="retired", tokens_revoked_at=None, token_expires_at=None, now=NOW
    )


def test_a_suspended_organizations_device_is_refused_and_its_connection_ends():
    assert not good_generation(suspended=True, lifecycle="deployed", generation=1, min_generation=1)
    assert must_close(
        connected_at=NOW, suspended=True, lifecycle="deployed", tokens_revoked_at=None, token_expires_at=None, now=NOW
    )


class TestGateways:
    @given(st.uuids())
    def test_have_names_that_are_nobody_elses(self, gateway_id):
        user = gateway_user(gateway_id)
        assert gateway_of(user) == gateway_id
        assert gateway_of(str(gateway_id)) is None

    @given(UIDS)
    def test_no_device_is_taken_for_one(self, uid):
        assert gateway_of(uid) is None

    @pytest.mark.parametrize(
        "user", ["gateway.", "gateway.x", f"gateway.{UUID(int=1)}0", f"gateway.{UUID(int=1)}\n", ""]
    )
    def test_what_is_like_one_is_none(self, user):
        assert gateway_of(user) is None

    @given(UIDS, st.sampled_from(["telemetry", "status", "replies", "state"]))
    def test_ask_for_one_device_at_a_time(self, uid, channel):
        key = f"devices.{uid}.{channel}"
        assert device_asked_for(exchange="amq.topic", permission="write", routing_key=key) == uid
        assert device_asked_for(exchange="amq.topic", permission="read", routing_key=key) is None
        commands = f"devices.{uid}.commands"
        assert device_asked_for(exchange="amq.topic", permission="read", routing_key=commands) == uid
        assert device_asked_for(exchange="amq.topic", permission="write", routing_key=commands) is None
        assert device_asked_for(exchange="muster.events", permission="write", routing_key=key) is None

    @pytest.mark.parametrize(
        "key", ["#", "devices.#", "devices.*.commands", "devices.*.telemetry", "devices..commands"]
    )
    @pytest.mark.parametrize("permission", ["read", "write", "configure"])
    def test_ask_for_nobody_by_wildcards(self, key, permission):
        assert device_asked_for(exchange="amq.topic", permission=permission, routing_key=key) is None

    def test_have_queues_of_their_own_alone(self):
        mine, other = gateway_user(uuid4()), gateway_user(uuid4())
        for permission in ("configure", "write", "read"):
            assert may_use_resource(mine, kind="queue", name=f"mqtt-subscription-{mine}qos1", permission=permission)
            assert not may_use_resource(
                mine, kind="queue", name=f"mqtt-subscription-{other}qos1", permission=permission
            )
