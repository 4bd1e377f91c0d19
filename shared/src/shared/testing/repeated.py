"""The test of `Idempotency-Key`: every POST of an OpenAPI document takes one, and does once what it is asked twice.

A service's test gives each such operation a request, and names every other with the reason why it needs no key. A route
that is new and neither fails the test.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.testing.tenancy import Client

_KEY = "Idempotency-Key"


@dataclass(frozen=True)
class Creation:
    """A request that succeeds. `options` and `other` are for the client; with those of `other` it is another one.

    Without `other` that is the same with one more blank at the end of its body, which JSON does not mind.
    """

    url: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    other: Mapping[str, Any] | None = None

    def another(self) -> dict[str, Any]:
        options = dict(self.options)
        if self.other is not None:
            return {**options, **self.other}
        content = json.dumps(options.pop("json")).encode() if "json" in options else options.get("content", b"")
        headers = {"Content-Type": "application/json", **options.get("headers", {})}
        return {**options, "content": content + b"\n", "headers": headers}


def unkeyed(
    document: Mapping[str, Any], creations: Mapping[str, Creation], excused: Mapping[str, Sequence[str]]
) -> list[str]:
    """What is wrong with the declarations. `excused` are by the reason; operations are named like `POST /api/v2/x`."""
    posts = {f"POST {path}": item["post"] for path, item in document["paths"].items() if "post" in item}
    keyed = {name for name, post in posts.items() if _KEY in {one["name"] for one in post.get("parameters", ())}}
    without = {name for names in excused.values() for name in names}
    faults = [f"{name}: takes no {_KEY} and is not excused" for name in sorted(posts.keys() - keyed - without)]
    faults += [f"{name}: is excused and takes one" for name in sorted(keyed & without)]
    faults += [f"{name}: has no request to send twice" for name in sorted(keyed - creations.keys())]
    return faults + [f"{name}: is no such operation" for name in sorted((creations.keys() | without) - posts.keys())]


async def done_twice(client: Client, creations: Mapping[str, Creation]) -> list[str]:
    """Sends each twice at once, once more, and another under its key; tells of all that was not done once."""
    faults: list[str] = []
    for name, creation in creations.items():

        async def send(options: Mapping[str, Any], key: str = name, url: str = creation.url) -> Any:
            headers = {**options.get("headers", {}), _KEY: key}
            return await client.request("POST", url, **{**options, "headers": headers})

        answers = [*await asyncio.gather(send(creation.options), send(creation.options)), await send(creation.options)]
        first = answers[0]
        if not first.is_success:
            faults.append(f"{name}: {first.status_code} {first.text}")
        elif len({(answer.status_code, answer.text, answer.headers.get("etag")) for answer in answers}) > 1:
            faults.append(f"{name}: {[(answer.status_code, answer.text) for answer in answers]}")
        other = await send(creation.another())
        if (other.status_code, other.json().get("code")) != (409, "idempotency_key_reused"):
            faults.append(f"{name}: another request under its key was answered {other.status_code} {other.text}")
    return faults
