from hypothesis import given
from hypothesis import strategies as st

from device_management.audit.rules import BLANK, difference, without_secrets

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
states = st.dictionaries(st.text(max_size=8), json_values, max_size=4)


def test_only_what_differs_is_kept():
    before, after = difference({"name": "a", "type": "pump"}, {"name": "b", "type": "pump"})
    assert (before, after) == ({"name": "a"}, {"name": "b"})


def test_a_beginning_and_an_end_are_whole():
    assert difference(None, {"name": "a"}) == (None, {"name": "a"})
    assert difference({"name": "a"}, None) == ({"name": "a"}, None)


def test_a_changed_secret_is_seen_to_have_changed_and_not_what_it_is():
    before, after = difference({"password": "old", "name": "a"}, {"password": "new", "name": "a"})
    assert (before, after) == ({"password": BLANK}, {"password": BLANK})


def test_secrets_are_blank_at_any_depth():
    state = {"site": {"broker": [{"Password": "x", "host": "h"}]}, "min_token_generation": 3}
    assert without_secrets(state) == {
        "site": {"broker": [{"Password": BLANK, "host": "h"}]},
        "min_token_generation": 3,
    }


@given(states, states)
def test_what_is_kept_turns_one_state_into_the_other(before, after):
    old, new = difference(before, after)
    assert {name: value for name, value in before.items() if name not in old} | new == without_secrets(after) or any(
        BLANK in repr(side) for side in (old, new, without_secrets(before), without_secrets(after))
    )
