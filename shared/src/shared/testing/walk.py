"""An OpenAPI document for walks along its links: what creates a thing is asked for it in a way that succeeds.

A body made up from the whole of its schema is mostly refused, and a walk that creates nothing ends where it began.
"""

import copy
from collections.abc import Mapping
from typing import Any

Creations = Mapping[str, Mapping[str, Any] | str]
"""By operation, e.g. `POST /api/v2/groups`: the members of its body that must have a certain value, or the whole text.

Members that the document requires are made up beside them, all others are left out.
"""

_KEY = "Idempotency-Key"
"""With one that an earlier walk has used a creation is answered by what that walk has deleted since."""


def walkable(document: Mapping[str, Any], creations: Creations) -> dict[str, Any]:
    """The document with the bodies of its creations narrowed. Raises KeyError for one that it does not have."""
    narrowed = copy.deepcopy(dict(document))
    for item in narrowed["paths"].values():
        for operation in item.values():
            operation["parameters"] = [one for one in operation.get("parameters", []) if one["name"] != _KEY]
    for name, given in creations.items():
        method, _, path = name.partition(" ")
        operation: dict[str, Any] = narrowed["paths"][path][method.lower()]
        media_types: dict[str, Any] = operation["requestBody"]["content"]
        media_type, content = next(iter(media_types.items()))
        schema = _resolved(content["schema"], narrowed)
        narrow = {"type": "string", "const": given} if isinstance(given, str) else _with(given, schema)
        media_types.clear()
        media_types[media_type] = {"schema": narrow}
    return narrowed


def _with(given: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Given members are told of as patterns: one called `group_id` would be taken for what a walk must bring along."""
    required = {name: schema["properties"][name] for name in schema.get("required", ()) if name not in given}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [*required, *given],
        "properties": required,
        "patternProperties": {f"^{name}$": {"const": value} for name, value in given.items()},
    }


def _resolved(schema: dict[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """What a reference stands for; of several kinds the first."""
    schema = schema.get("anyOf", [schema])[0]
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema
