"""Devices that log in at once, and what is read of them."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from device_management.broker_access.service import Credentials
from device_management.device_tokens.models import Credential
from shared.errors import ServiceUnavailable
from shared.testing import eventually


class Database:
    """Knows every device but "ghost", and answers when it is let."""

    def __init__(self):
        self.asked: list[list[str]] = []
        self.answers = asyncio.Semaphore(0)
        self.away = False

    @asynccontextmanager
    async def scope(self):
        yield self

    def get(self, _):
        return self

    async def credentials(self, uids):
        self.asked.append(list(uids))
        await self.answers.acquire()
        if self.away:
            raise ServiceUnavailable("the database is away")
        return [_credential(uid) for uid in uids if uid != "ghost"]


def _credential(uid) -> Credential:
    return Credential(uid, 1, "deployed", 1, None, None)


@pytest.fixture
def database():
    return Database()


@pytest.fixture
def ask(database):
    credentials = Credentials(database.scope)

    def ask(*uids):
        return [asyncio.create_task(credentials.credential(uid)) for uid in uids]

    return ask


async def test_those_that_come_while_a_read_is_under_way_are_read_together(database, ask):
    asking = ask("a")
    await eventually(lambda: database.asked == [["a"]])
    asking += ask("b", "ghost", "b")
    await asyncio.sleep(0)
    database.answers.release()
    database.answers.release()
    assert await asyncio.gather(*asking) == [_credential("a"), _credential("b"), None, _credential("b")]
    assert database.asked == [["a"], ["b", "ghost"]]


async def test_everybody_who_waits_hears_that_the_database_is_away_and_the_next_is_answered(database, ask):
    database.away = True
    database.answers.release()
    assert [type(answer) for answer in await asyncio.gather(*ask("a", "b"), return_exceptions=True)] == [
        ServiceUnavailable,
        ServiceUnavailable,
    ]
    database.away = False
    database.answers.release()
    assert await asyncio.gather(*ask("a")) == [_credential("a")]
