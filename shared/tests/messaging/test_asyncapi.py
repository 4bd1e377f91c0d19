from pathlib import Path
from typing import get_args

import yaml

from shared.contracts import live
from shared.contracts.catalog import EVENTS
from shared.contracts.routes import EVENTS_EXCHANGE
from shared.messaging import asyncapi, topology

FILE = Path(__file__).parents[3] / "docs" / "asyncapi.yaml"


def test_the_file_is_what_the_code_says():
    assert FILE.read_text() == asyncapi.render(), "run `python -m shared.messaging.asyncapi > docs/asyncapi.yaml`"


def test_every_event_and_every_reader_of_events_is_in_it():
    document = yaml.safe_load(FILE.read_text())
    assert {event.type for event in EVENTS} <= set(document["channels"])
    bound = {f"{each.queue}/{each.key}" for each in topology.BINDINGS if each.exchange == EVENTS_EXCHANGE}
    assert bound <= set(document["operations"])


def test_every_live_frame_is_in_it_in_its_own_words():
    messages = yaml.safe_load(FILE.read_text())["channels"]["live"]["messages"]
    frames = {frame.__struct_config__.tag: frame.__name__ for frame in get_args(live.Frame)}
    told = {name: message["payload"]["$ref"].rpartition("/")[2] for name, message in messages.items()}
    assert told == frames
    assert len({message["summary"] for message in messages.values()}) == len(frames)


def test_every_reference_leads_somewhere():
    document = yaml.safe_load(FILE.read_text())

    def references(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [each for value in node.values() for each in references(value)]
        return [each for value in node for each in references(value)] if isinstance(node, list) else []

    found = references(document)
    assert found
    for reference in found:
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
