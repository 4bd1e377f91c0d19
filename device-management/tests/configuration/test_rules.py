import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_management.configuration.rules import changes, drift, merged

VALUES = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
CONFIGURATIONS = st.dictionaries(st.text(max_size=3), VALUES, max_size=5)


@given(CONFIGURATIONS, CONFIGURATIONS)
def test_what_is_sent_brings_a_device_from_one_configuration_to_the_other(before, after):
    assert merged(before, changes(before, after)) == after
    assert changes(after, after) == {}


@given(CONFIGURATIONS, CONFIGURATIONS)
def test_there_is_no_drift_once_everything_desired_is_reported(desired, more):
    assert drift(desired, {**more, **desired}) == {}


@pytest.mark.parametrize(
    ("desired", "reported", "differs"),
    [
        ({"mode": "fast"}, None, None),
        ({"mode": "fast"}, {}, {"mode": ("fast", None)}),
        ({"mode": "fast"}, {"mode": "slow", "more": 1}, {"mode": ("fast", "slow")}),
        ({"rate": 1}, {"rate": 1.0}, {}),
        ({}, {"more": 1}, {}),
    ],
)
def test_drift_is_what_is_desired_and_not_reported(desired, reported, differs):
    found = drift(desired, reported)
    assert (found if found is None else {name: (d.desired, d.reported) for name, d in found.items()}) == differs
