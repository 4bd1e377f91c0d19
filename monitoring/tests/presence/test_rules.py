"""The fence: late news of an older connection changes nothing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.presence.models import Closed, Connection, Opened
from monitoring.presence.rules import apply, observation

CREATED = {
    "user": "pump-1",
    "name": "127.0.0.1:33141 -> 127.0.0.1:1883",
    "pid": "<muster@localhost.1795237591.1108.0>",
    "connected_at": 1795237784074,
    "protocol": "{'MQTT',\"3.1.1\"}",
    "variable_map": '#{<<"client_id">> => <<"pump-1">>}',
    "timestamp_in_ms": 1795237784074,
}
"""As RabbitMQ 3.10 tells of a device's MQTT connection."""


def connection(number, *, at=None, pid=None):
    known_pid = f"<muster@localhost.1795237591.{number}.0>" if pid is None else pid
    return Connection(at if at is not None else 1_000 * number, known_pid, f"127.0.0.1:{number} -> 127.0.0.1:1883")


def opened(number, **kwargs):
    return Opened("pump-1", connection(number, **kwargs))


def closed(number, *, at=999_000, **kwargs):
    return Closed(connection(number, **kwargs).pid, connection(number).name, at)


def after(*observations, present=()):
    changes = apply(present, observations)
    return changes.get("pump-1")


def test_a_created_connection_is_read_from_the_brokers_headers():
    one = observation("connection.created", CREATED)
    assert one == Opened("pump-1", Connection(1795237784074, CREATED["pid"], CREATED["name"]))


def test_a_closed_connection_names_neither_user_nor_time_of_connecting():
    headers = {name: CREATED[name] for name in ("name", "pid", "timestamp_in_ms")}
    assert observation("connection.closed", headers) == Closed(CREATED["pid"], CREATED["name"], 1795237784074)


@pytest.mark.parametrize("user", ["a.b", "", "x" * 65, "user/name"])
def test_users_that_can_be_no_device_are_passed_over(user):
    assert observation("connection.created", CREATED | {"user": user}) is None


@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        ("connection.created", {}),
        ("connection.created", CREATED | {"connected_at": "yesterday"}),
        ("connection.created", CREATED | {"connected_at": 2**60}),
        ("connection.closed", CREATED | {"timestamp_in_ms": -1}),
        ("queue.created", CREATED),
    ],
)
def test_what_is_no_connection_event_is_poison(kind, headers):
    with pytest.raises(ValueError, match=r"."):
        observation(kind, headers)


def test_a_device_is_online_while_its_connection_lasts():
    change = after(opened(1), closed(1))
    assert [(news.online, news.version) for news in change.news] == [(True, 1), (False, 2)]
    assert change.presence.online is False


def test_a_takeover_tells_of_the_new_connection_before_the_end_of_the_old():
    change = after(opened(1), opened(2), closed(1))
    assert change.presence.online
    assert change.presence.connection == connection(2)
    assert [(news.online, news.version) for news in change.news] == [(True, 1), (True, 2)]


def test_a_late_close_of_an_older_connection_changes_nothing():
    change = after(opened(2))
    assert after(closed(1), present=[change.presence]) is None
    assert after(opened(1), closed(1), present=[change.presence]) is None


def test_within_a_millisecond_the_later_process_wins():
    change = after(opened(999, at=5_000), opened(1108, at=5_000), closed(999))
    assert change.presence.online
    assert after(opened(1108, at=5_000), opened(999, at=5_000)).presence.connection.pid.endswith(".1108.0>")


def test_a_connection_learned_from_the_management_api_ends_by_its_name():
    change = after(opened(1, pid=""))
    assert after(closed(1), present=[change.presence]).presence.online is False
    assert after(closed(1, at=10), present=[change.presence]) is None, "an earlier connection of the same name"


def test_the_event_of_a_connection_known_from_the_management_api_only_adds_the_pid():
    change = after(opened(1, pid=""), opened(1))
    assert change.presence.connection == connection(1)
    assert len(change.news) == 1
    assert after(opened(1, pid=""), present=[change.presence]) is None


def test_a_list_from_before_the_close_does_not_bring_the_connection_back():
    change = after(opened(1), closed(1))
    assert after(opened(1, pid=""), present=[change.presence]) is None


def _in_the_brokers_order(observations):
    """The broker tells of a connection's end after its beginning."""
    first = {seen: observations.index(seen) for seen in observations}
    return all(first.get(opened(n), 99) < first[closed(n)] for n in (1, 2, 3) if closed(n) in first)


@given(
    st.lists(st.sampled_from([opened(1), opened(2), opened(3), closed(1), closed(2), closed(3)]), max_size=12).filter(
        _in_the_brokers_order
    )
)
def test_following_the_same_observations_again_changes_nothing(observations):
    changes = apply([], observations)
    present = [change.presence for change in changes.values()]
    assert apply(present, observations) == {}


@given(st.permutations([opened(1), closed(1), opened(2), closed(2), opened(3)]))
def test_however_news_is_shuffled_the_newest_open_connection_makes_a_device_online(observations):
    assert after(*observations).presence.online


@given(st.lists(st.sampled_from([opened(1), opened(2), closed(1), closed(2)]), max_size=12), st.integers(0, 12))
def test_however_a_stream_is_cut_it_ends_the_same(observations, cut):
    whole = apply([], observations)
    first = apply([], observations[:cut])
    second = apply([change.presence for change in first.values()], observations[cut:])
    ended = {uid: change.presence for uid, change in (first | second).items()}
    assert {uid: replace(one) for uid, one in ended.items()} == {uid: change.presence for uid, change in whole.items()}
