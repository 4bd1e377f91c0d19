"""Which devices a simulated fleet has."""

import re
from collections import Counter

from muster_cli.simulator.population import simulated_device


def test_uids_are_unique_and_allowed_in_topics():
    uids = [simulated_device("sim", number, 0).uid for number in range(1, 201)]
    assert len(set(uids)) == 200
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", uid) for uid in uids)


def test_a_device_is_registered_alike_in_every_run():
    first, again = (simulated_device("sim", 12, 3).described() for _ in range(2))
    assert first == again


def test_types_take_turns_and_every_device_has_a_place():
    devices = [simulated_device("sim", number, 0).described() for number in range(1, 25)]
    assert set(Counter(device.device_type for device in devices).values()) == {6}
    for device in devices:
        assert -90 <= device.attributes["position"]["lat"] <= 90
        assert -180 <= device.attributes["position"]["lon"] <= 180
        assert device.attributes["type"] == device.device_type
