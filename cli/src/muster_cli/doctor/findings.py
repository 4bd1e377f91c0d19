"""What a question came to, and asking many at once."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass

from muster_cli.errors import CommandError

_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Finding:
    """`ok` is None where the question could not be asked from here; `next_step` says what to do."""

    name: str
    ok: bool | None
    detail: str
    next_step: str | None = None


class Failed(Exception):
    """What was asked is not as it should be."""

    def __init__(self, detail: str, next_step: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.next_step = next_step


class NotAsked(Exception):
    """It cannot be asked from here, for the reason that is its text."""


async def find_out(questions: Mapping[str, Awaitable[str]]) -> Sequence[Finding]:
    """All at once, in their order. A question answers what it has found, or raises Failed, NotAsked or CommandError."""
    return await asyncio.gather(*(_find_out(name, question) for name, question in questions.items()))


async def _find_out(name: str, question: Awaitable[str]) -> Finding:
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return Finding(name, ok=True, detail=await question)
    except NotAsked as reason:
        return Finding(name, ok=None, detail=str(reason))
    except Failed as failed:
        return Finding(name, ok=False, detail=failed.detail, next_step=failed.next_step)
    except CommandError as error:
        return Finding(name, ok=False, detail=str(error))
    except TimeoutError:
        return Finding(name, ok=False, detail="no answer in time", next_step="see what is not up with `make status`")
    except Exception as error:  # noqa: BLE001 - a question that fails in its own way must not take the others' answers
        return Finding(name, ok=False, detail=f"what answers is not as expected: {type(error).__name__}")
