"""Events keep what they promised, in both directions."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from shared.contracts.catalog import BY_TYPE, EVENTS
from shared.contracts.envelope import EventData

from .golden import DIRECTORY, breaks, path_of, schema_of, strategy_of

events = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
UPDATE = "run `python shared/tests/contracts/golden.py`"


def golden_of(event: type[EventData]) -> dict:
    assert path_of(event).exists(), f"{event.type} has no golden file: {UPDATE}"
    return json.loads(path_of(event).read_text())


@events
def test_a_reader_of_the_old_schema_can_read_a_new_writer(event: type[EventData]):
    validator = Draft202012Validator(golden_of(event)["schema"])

    @settings(max_examples=50, deadline=None)
    @given(strategy_of(event))
    def check(message: EventData) -> None:
        validator.validate(json.loads(message.model_dump_json()))

    check()


@events
def test_a_new_reader_can_read_old_messages(event: type[EventData]):
    messages = golden_of(event)["messages"]
    assert messages
    for message in messages:
        read = event.model_validate(message)
        sent = read.model_dump(mode="json", exclude_unset=True)
        assert {name: sent[name] for name in message} == message


@events
def test_a_new_reader_ignores_what_it_does_not_know(event: type[EventData]):
    message = golden_of(event)["messages"][0]
    assert event.model_validate(message | {"from_the_future": {"deep": [1]}}) == event.model_validate(message)


@events
def test_nothing_promised_is_dropped_and_additions_are_written_down(event: type[EventData]):
    golden = golden_of(event)["schema"]
    assert breaks(golden, schema_of(event)) == []
    assert golden == schema_of(event), f"{event.type} has grown: {UPDATE}"


def test_no_event_ever_published_is_missing_from_the_catalog():
    assert {path.stem for path in DIRECTORY.glob("*.json")} == set(BY_TYPE)


@given(st.sampled_from(EVENTS), st.data())
def test_a_broken_promise_is_seen(event: type[EventData], data: st.DataObject):
    old = schema_of(event)
    name = data.draw(st.sampled_from(old["required"]))
    gone, renamed, optional = copy.deepcopy(old), copy.deepcopy(old), copy.deepcopy(old)
    del gone["properties"][name]
    renamed["properties"][name] = {"type": "array"}
    optional["required"].remove(name)
    grown = copy.deepcopy(old)
    grown["properties"]["extra"] = {"type": "string"}
    grown["required"].append("extra")
    assert breaks(old, gone)
    assert breaks(old, renamed)
    assert breaks(old, optional)
    assert breaks(old, grown) == []


def test_types_are_subject_verb_and_version():
    for kind, event in BY_TYPE.items():
        subject, verb, version = kind.split(".")
        assert subject.replace("_", "").isalpha()
        assert verb.replace("_", "").isalpha()
        assert version[0] == "v"
        assert version[1:].isdecimal()
        assert event.type == kind
    assert len(BY_TYPE) == len(EVENTS)
