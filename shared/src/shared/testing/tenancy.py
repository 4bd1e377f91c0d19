"""The tenancy test: every operation of an OpenAPI document x another organization's ids x every kind of caller.

A service's test makes another organization's things, says which stands for which path parameter, and gives each
operation that takes a body one to send. A route that is new and not covered by that fails the test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

METHODS = ("get", "post", "put", "patch", "delete")
NEUTRAL = frozenset(
    {
        *("limit", "cursor", "state", "lifecycle", "status", "metric", "from", "to", "online", "resolution", "purge"),
        *("dry_run", "severity", "acknowledged", "points", "by", "order", "statistic", "format"),
    }
)
"""Query parameters that name nobody's things."""


class Answer(Protocol):
    @property
    def status_code(self) -> int: ...
    @property
    def text(self) -> str: ...


class Client(Protocol):
    async def request(self, method: str, url: str, /, **options: Any) -> Any: ...


@dataclass(frozen=True)
class Theirs:
    """An id of the other organization's, and one like it that nobody has."""

    foreign: object
    nobodys: object


@dataclass(frozen=True)
class World:
    """What a service's test knows of its routes; operations are named like `GET /api/v2/devices`.

    `ids` are by the path up to and with their parameter; `bodies` and `queries` are options for the client and query
    strings. `callers` are headers; `owner` is the caller who may do everything an organization can do. `beyond` names
    the operations that even the owner is refused with 403, `public` those that need no token.
    """

    ids: Mapping[str, Theirs]
    callers: Mapping[str, Mapping[str, str]]
    owner: str
    marker: str
    """Stands in every text of the other organization's."""

    own: Mapping[str, object] = field(default_factory=dict[str, object])
    """The callers' own for the first parameter of paths that have several: with it, the others are tried as well."""

    bodies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    queries: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    beyond: frozenset[str] = frozenset()
    public: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    takes_body: bool
    query: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def parameters(self) -> list[str]:
        """The path up to and with each of its parameters."""
        parts = self.path.split("/")
        return ["/".join(parts[: place + 1]) for place, part in enumerate(parts) if part.startswith("{")]


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """Every operation of an OpenAPI document."""
    return [
        Operation(
            method,
            path,
            "requestBody" in operation,
            tuple(one["name"] for one in operation.get("parameters", []) if one["in"] == "query"),
        )
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def uncovered(document: Mapping[str, Any], world: World) -> list[str]:
    """What the test has to be told about routes it does not know yet."""
    found = operations(document)
    names = {operation.name for operation in found}
    missing = [
        f"{operation.name}: an id for {parameter}"
        for operation in found
        for parameter in operation.parameters
        if parameter not in world.ids
    ]
    missing += [f"{one.name}: a body" for one in found if one.takes_body and one.name not in world.bodies]
    missing += [
        f"{one.name}: a query with {name} of the other organization's"
        for one in found
        for name in one.query
        if name not in NEUTRAL and not any(f"{name}=" in query for query in world.queries.get(one.name, ()))
    ]
    known = {*world.bodies, *world.queries, *world.beyond, *world.public}
    return missing + [f"{name}: is no operation any more" for name in sorted(known - names)]


async def trespasses(client: Client, document: Mapping[str, Any], world: World) -> list[str]:
    """Tries everything, and tells whatever was not as if the other organization did not exist."""
    faults: list[str] = []
    for operation in operations(document):
        for caller, headers in world.callers.items():
            if len(operation.parameters) > 1 and (first := operation.parameters[0]) in world.own:
                mixed = replace(world, ids={**world.ids, first: Theirs(world.own[first], world.own[first])})
                answer = await _ask(client, operation, mixed, headers, query="", nobodys=False)
                if answer.status_code not in {403, 404}:
                    faults.append(f"{operation.name} below one's own as {caller}: {answer.status_code} {answer.text}")
            for query in ("", *world.queries.get(operation.name, ())):
                asked = f"{operation.name}{query} as {caller}"
                answer = await _ask(client, operation, world, headers, query=query, nobodys=False)
                faults += [f"{asked}: {fault}" for fault in _faults(operation, world, caller, answer)]
                if operation.parameters and caller == world.owner:
                    nobodys = await _ask(client, operation, world, headers, query=query, nobodys=True)
                    if (answer.status_code, answer.text) != (nobodys.status_code, nobodys.text):
                        faults.append(f"{asked}: differs from nobody's: {answer.text} / {nobodys.text}")
        answer = await _ask(client, operation, world, {}, query="", nobodys=False)
        if operation.name not in world.public and answer.status_code != 401:
            faults.append(f"{operation.name} without a token: {answer.status_code}")
    return faults


def _faults(operation: Operation, world: World, caller: str, answer: Answer) -> list[str]:
    status = answer.status_code
    if status >= 500:
        return [f"{status} {answer.text}"]
    if status < 400 and world.marker in answer.text:
        return [f"tells of the other organization: {answer.text}"]
    if not operation.parameters or operation.name in world.public:
        return []
    if caller == world.owner:
        wanted = 403 if operation.name in world.beyond else 404
        return [] if status == wanted else [f"{status} instead of {wanted}: {answer.text}"]
    return [] if status in {403, 404} else [f"{status} instead of 403 or 404: {answer.text}"]


async def _ask(
    client: Client, operation: Operation, world: World, headers: Mapping[str, str], *, query: str, nobodys: bool
) -> Answer:
    url = operation.path
    for parameter in operation.parameters:
        theirs = world.ids[parameter]
        name = parameter.rsplit("/", 1)[1]
        url = url.replace(name, str(theirs.nobodys if nobodys else theirs.foreign), 1)
    options = dict(world.bodies.get(operation.name, {}))
    sent = {**headers, **options.pop("headers", {})}
    return await client.request(operation.method.upper(), url + query, headers=sent, **options)
