"""The fence: late news of an older connection changes nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.presence.models import Closed, Connection, Opened, Sign
from monitoring.presence.rules import LATE, apply, fall_silent, hear, observation

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


QUARTER = timedelta(minutes=15)


def moment(seconds):
    return datetime.fromtimestamp(seconds, UTC)


def heard(known, seconds, *, said=None, lasts=QUARTER):
    present = {} if known is None else {"pump-1": known}
    said_at = None if said is None else moment(said)
    return hear(present, {"pump-1": Sign(moment(seconds), lasts, said_at)}).get("pump-1")


def test_who_never_had_a_connection_is_online_when_heard_of_and_offline_when_heard_of_no_more():
    first = heard(None, 100)
    assert [(one.online, one.since, one.version) for one in first.news] == [(True, moment(100), 1)]
    assert heard(first.presence, 160) is None
    later = heard(first.presence, 100 + 300)
    assert (later.news, later.presence.heard_until) == ([], moment(400) + QUARTER)
    assert fall_silent([later.presence], moment(400) + QUARTER - timedelta(seconds=1)) == {}
    [gone] = fall_silent([later.presence], moment(2_000)).values()
    assert (gone.presence.online, gone.presence.since, gone.presence.version) == (False, moment(400) + QUARTER, 2)
    assert gone.presence.online_ms == (300 + 900) * 1000


def test_a_connection_counts_for_more_than_signs_and_coming_by_one_is_news():
    by_signs = heard(None, 1).presence
    connected = after(opened(5), present=[by_signs])
    assert [(one.online, one.since, one.version) for one in connected.news] == [(True, moment(1), 2)]
    assert connected.presence.is_connected
    assert heard(connected.presence, 6) is None
    assert fall_silent([connected.presence], moment(10_000)) == {}
    ended = after(closed(5, at=8_000), present=[connected.presence]).presence
    assert (ended.online, ended.since, ended.online_ms) == (False, moment(8), 7_000)


def test_what_was_said_over_a_connection_that_has_ended_since_brings_nobody_back():
    ended = after(opened(5), closed(5, at=8_000)).presence
    late = int(LATE.total_seconds())
    assert heard(ended, 8 + late) is None
    assert heard(ended, 8 + 10 * late, said=7) is None
    assert heard(ended, 8 + 10 * late, said=9 + late).presence.online
    assert heard(ended, 9 + late).presence.online


def test_an_old_connection_that_is_told_of_late_ends_no_signs_of_life():
    ended = after(opened(5), closed(5, at=8_000)).presence
    back = heard(ended, 1_000).presence
    assert after(closed(5, at=9_000), opened(4), present=[back]) is None


@given(st.lists(st.tuples(st.sampled_from(["open", "close", "sign", "silence"]), st.integers(1, 40)), max_size=30))
def test_versions_only_grow_and_online_time_is_the_time_between_the_changes(steps):
    known, told, now = None, [], 0
    for number, (step, later) in enumerate(steps, start=1):
        now += later * 60
        if step == "open":
            change = after(opened(number, at=now * 1000), present=[known] if known else [])
        elif step == "close" and known is not None:
            change = after(Closed(known.connection.pid, known.connection.name, now * 1000), present=[known])
        elif step == "sign":
            change = heard(known, now)
        else:
            change = fall_silent([known] if known else [], moment(now)).get("pump-1")
        if change is not None:
            known = change.presence
            told += change.news
    assert [one.version for one in told] == list(range(1, len(told) + 1))
    total, since, online = 0, None, False
    for one in told:
        if online and not one.online:
            total += (one.since - since).total_seconds() * 1000
        if one.online != online:
            since, online = one.since, one.online
        assert one.online_ms == total
