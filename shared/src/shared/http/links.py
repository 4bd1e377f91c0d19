"""Links of the OpenAPI document: from the operation that creates a thing to those that take its id in their path."""

from collections.abc import Iterator
from typing import Any

_CREATED = ("201", "202")


def link(document: dict[str, Any]) -> None:
    """Gives every answer that tells the id of a new thing links to all that can be done with it.

    Below `POST /groups` the paths `/groups/{group_id}...` take what the answer calls `group_id`, or else its `id`.
    """
    paths: dict[str, dict[str, Any]] = document["paths"]
    schemas: dict[str, Any] = document["components"]["schemas"]
    for path, operations in paths.items():
        responses: dict[str, Any] = operations.get("post", {}).get("responses", {})
        for response in (responses[status] for status in _CREATED if status in responses):
            links = dict(_links(path, _members(response, schemas), paths))
            if links:
                response["links"] = links


def _links(path: str, members: frozenset[str], paths: dict[str, dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    given = {name: f"$request.path.{name}" for name in _parameters(path)}
    for target, operations in paths.items():
        below = _parameters(target.removeprefix(path)) if target.startswith(f"{path}/{{") else []
        if len(below) != 1:
            continue
        member = next((name for name in (below[0], "id") if name in members), None)
        if member is None:
            continue
        parameters = given | {below[0]: f"$response.body#/{member}"}
        for operation in operations.values():
            name = operation["operationId"]
            yield name, {"operationId": name, "parameters": parameters}


def _parameters(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _members(response: dict[str, Any], schemas: dict[str, Any]) -> frozenset[str]:
    """What the answer has; of several kinds of answers the first, which is not the one of a mere trial."""
    schema: dict[str, Any] = response.get("content", {}).get("application/json", {}).get("schema", {})
    schema = schema.get("anyOf", [schema])[0]
    named: dict[str, Any] = schemas.get(schema.get("$ref", "").rpartition("/")[2], {})
    return frozenset(named.get("properties", {}))
