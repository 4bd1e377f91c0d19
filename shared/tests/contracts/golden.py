"""The promise of each event, as it was published: its JSON schema, and messages as old writers sent them.

`python shared/tests/contracts/golden.py` writes what is missing and adds new optional members. It refuses to change or
drop anything that a reader may rely on: that is a new major version, published beside the old one.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from shared.contracts.catalog import EVENTS
from shared.contracts.envelope import EventData

DIRECTORY = Path(__file__).with_name("golden")
Schema = dict[str, Any]


def path_of(event: type[EventData]) -> Path:
    return DIRECTORY / f"{event.type}.json"


def schema_of(event: type[EventData]) -> Schema:
    """What a writer of today promises."""
    return event.model_json_schema(mode="serialization")


def written_by(event: type[EventData], *, full: bool) -> Schema:
    """A message with a value for each member, or with those alone that have no default."""
    values = {
        name: _sample(field.annotation) for name, field in event.model_fields.items() if full or field.is_required()
    }
    return event.model_validate(values).model_dump(mode="json", exclude_unset=True)


def breaks(old: Schema, new: Schema) -> list[str]:
    """What a reader of `old` would miss or could not read in what a writer of `new` sends."""
    faults = [
        f"{name} is not always sent any more" for name in old.get("required", []) if name not in new.get("required", [])
    ]
    for name, shape in old["properties"].items():
        if name not in new["properties"]:
            faults.append(f"{name} is gone")
        elif _shape(new["properties"][name]) != _shape(shape):
            faults.append(f"{name} has another shape")
    parts, now = old.get("$defs", {}), new.get("$defs", {})
    for name, part in parts.items():
        faults += [f"{name}: {fault}" for fault in breaks(part, now[name])] if name in now else [f"{name} is gone"]
    return faults


def strategy_of(event: type[EventData]) -> st.SearchStrategy[EventData]:
    """Any event of this type that a writer of today can make."""
    return st.builds(event, **{name: _strategy(field) for name, field in event.model_fields.items()})


def _shape(schema: Schema) -> Schema:
    return {name: value for name, value in schema.items() if name not in {"title", "description", "default"}}


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def _strategy(field: FieldInfo) -> st.SearchStrategy[Any]:
    return _strategy_for(field.annotation)


def _strategy_for(annotation: Any) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is Any:
        return _json
    if annotation is datetime:
        return st.datetimes(timezones=st.just(UTC))
    if origin in {Union, UnionType}:
        return st.one_of(*map(_strategy_for, arguments))
    if origin is dict:
        return st.dictionaries(_strategy_for(arguments[0]), _strategy_for(arguments[1]), max_size=3)
    if origin is list:
        return st.lists(_strategy_for(arguments[0]), max_size=3)
    return st.none() if annotation is NoneType else st.from_type(annotation)


_SAMPLES: dict[Any, Any] = {
    int: 7,
    str: "pump-7",
    bool: True,
    float: 21.5,
    Any: {"nested": [1, None]},
    datetime: datetime(2026, 11, 21, 6, 15, 31, 843_000, tzinfo=UTC),
}


def _sample(annotation: Any) -> Any:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        return _sample(next(argument for argument in arguments if argument is not NoneType))
    if origin is dict:
        return {_sample(arguments[0]): _sample(arguments[1])}
    if origin is list:
        return [_sample(arguments[0])]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {name: _sample(field.annotation) for name, field in annotation.model_fields.items()}
    return _SAMPLES[annotation]


def main() -> int:
    DIRECTORY.mkdir(exist_ok=True)
    refused = 0
    for event in EVENTS:
        path, new = path_of(event), schema_of(event)
        golden = json.loads(path.read_text()) if path.exists() else {"schema": new, "messages": []}
        if faults := breaks(golden["schema"], new):
            sys.stderr.write(f"{event.type}: {'; '.join(faults)}\n")
            refused += 1
            continue
        messages = [message for message in golden["messages"] if message]
        messages += [m for full in (False, True) if (m := written_by(event, full=full)) not in messages]
        path.write_text(json.dumps({"schema": new, "messages": messages}, indent=2) + "\n")
    return refused


if __name__ == "__main__":
    sys.exit(main())
