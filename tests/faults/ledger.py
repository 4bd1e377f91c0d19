"""Devices that publish without a pause, and the book of what the broker has confirmed to them.

It is kept by the senders alone, so it can be held against what the platform says became of their messages.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

import httpx

from muster_cli.mqtt.connection import MqttConnection, MqttError
from muster_cli.mqtt.packets import Will
from shared.testing import eventually

_RECENT = 200
_YEARS_AGO_MS = 1_000 * 86_400_000
_POISON = ('{{"ts":0,"marker":"{}"}}', '{{"marker":"{}","metrics":{{}}}}', '[{{"marker":"{}"', "{}")


class Kind(StrEnum):
    """What should become of a message."""

    SAMPLE = "sample"
    EXPIRED = "expired"
    POISON = "poison"


@dataclass(frozen=True)
class Mix:
    """How many of the messages, between 0 and 1, are what; the rest are samples that were never sent before.

    A duplicate is any of the device's last messages, byte for byte.
    """

    duplicates: float = 0.0
    expired: float = 0.0
    poison: float = 0.0


@dataclass(frozen=True)
class Sent:
    kind: Kind
    number: int
    body: bytes


@dataclass
class Device:
    """Sends each message again, unchanged, until the broker has confirmed it."""

    uid: str
    token: str
    mqtt: str
    mix: Mix
    random: Random
    attempts: Counter[Sent] = field(default_factory=Counter[Sent])
    confirmed: Counter[Sent] = field(default_factory=Counter[Sent])
    ending: bool = False
    began_ms: int = field(default_factory=lambda: int(time.time() * 1000) - 600_000)

    async def run(self, per_second: float) -> None:
        """At a steady pace, which makes up for no lost time, until `ending`; the last message is confirmed then."""
        messages = self._messages()
        message = next(messages)
        while not self.ending:
            connection = MqttConnection(lambda: None)
            try:
                await self._open(connection)
                due = time.monotonic()
                while not self.ending:
                    self.attempts[message] += 1
                    await connection.publish(f"devices/{self.uid}/telemetry", message.body)
                    self.confirmed[message] += 1
                    message = next(messages)
                    due += 1 / per_second
                    await asyncio.sleep(due - time.monotonic())
                await connection.close()
            except MqttError:
                await asyncio.sleep(0.2)

    def bodies(self, kind: Kind) -> Counter[bytes]:
        """The confirmed messages of a kind, by what they hold."""
        return Counter({sent.body: count for sent, count in self.confirmed.items() if sent.kind is kind})

    def account(self) -> Counter[str]:
        """What the platform answers for when every message that was sent was confirmed, and came once."""
        samples, expired, poison = (self.bodies(kind).total() for kind in (Kind.SAMPLE, Kind.EXPIRED, Kind.POISON))
        different = len(self.numbers(self.confirmed))
        return Counter(
            messages=samples + expired + poison,
            received=samples + expired,
            stored=different,
            duplicate=samples - different,
            expired=expired,
            dead=poison,
        )

    def numbers(self, counts: Counter[Sent]) -> set[int]:
        """The samples among `confirmed` or `attempts`."""
        return {sent.number for sent in counts if sent.kind is Kind.SAMPLE}

    async def _open(self, connection: MqttConnection) -> None:
        host, port = self.mqtt.split(":")
        will = Will(f"devices/{self.uid}/status", b'{"online":false}')
        await connection.open(host, int(port), uid=self.uid, token=self.token, will=will)

    def _messages(self) -> Iterator[Sent]:
        recent: list[Sent] = []
        while True:
            if recent and self.random.random() < self.mix.duplicates:
                yield self.random.choice(recent)
            else:
                recent = [*recent[1 - _RECENT :], self._next(recent[-1].number + 1 if recent else 0)]
                yield recent[-1]

    def _next(self, number: int) -> Sent:
        drawn = self.random.random()
        if drawn < self.mix.poison:
            body = self.random.choice(_POISON).format(f"{self.uid}-{number}")
            return Sent(Kind.POISON, number, body.encode())
        kind = Kind.EXPIRED if drawn < self.mix.poison + self.mix.expired else Kind.SAMPLE
        at = self.began_ms + 20 * number - (_YEARS_AGO_MS if kind is Kind.EXPIRED else 0)
        sample = {"ts": at, "seq": number, "boot": "b", "metrics": {"n": number}}
        return Sent(kind, number, json.dumps(sample).encode())


@dataclass
class Ledger:
    """A fleet that publishes while its context lasts."""

    devices: list[Device]
    people: httpx.AsyncClient

    @property
    def confirmed(self) -> int:
        """Messages, each as often as the broker has confirmed it."""
        return sum(device.confirmed.total() for device in self.devices)

    @property
    def unknown(self) -> int:
        """Messages that were sent and not confirmed: each may have arrived or not."""
        return sum(device.attempts.total() for device in self.devices) - self.confirmed

    @property
    def accounts(self) -> dict[str, Counter[str]]:
        return {device.uid: device.account() for device in self.devices}

    def bodies(self, kind: Kind) -> Counter[bytes]:
        return sum((device.bodies(kind) for device in self.devices), Counter[bytes]())

    def sent(self, body: bytes) -> Kind | None:
        """What the body is, when a device of this fleet has sent it."""
        return next((sent.kind for device in self.devices for sent in device.attempts if sent.body == body), None)

    async def reaches(self, more: int) -> None:
        """Waits until `more` messages have been confirmed from now on."""
        goal = self.confirmed + more
        await eventually(lambda: self.confirmed >= goal, why=f"{goal} confirmed messages")

    async def all_stored_once(self) -> dict[str, int]:
        """Every confirmed sample becomes readable, none twice and none that was not sent; how many, by device."""
        return {device.uid: await self._stored_once(device) for device in self.devices}

    async def _stored_once(self, device: Device) -> int:
        async def complete() -> Counter[int]:
            stored = await self._stored(device)
            missing = device.numbers(device.confirmed) - set(stored)
            assert not missing, f"{len(missing)} of {device.confirmed.total()} samples of {device.uid} missing"
            return stored

        stored = await eventually(complete, interval=0.5, why=f"everything of {device.uid} stored")
        assert set(stored.values()) == {1}, "a sample is stored twice"
        assert set(stored) <= device.numbers(device.attempts), "a sample is stored that nobody sent"
        return len(stored)

    async def _stored(self, device: Device) -> Counter[int]:
        """How often each sample is stored."""
        found: Counter[int] = Counter()
        query: dict[str, str | int] = {"device_uid": device.uid, "limit": 500}
        while True:
            answer = await self.people.get("/api/v2/telemetry", params=query)
            answer.raise_for_status()
            found.update(int(item["metrics"]["n"]) for item in answer.json()["items"])
            if answer.json()["next"] is None:
                return found
            query["cursor"] = answer.json()["next"]


OpenLoad = Callable[..., AbstractAsyncContextManager[Ledger]]
"""`async with load(devices=10, per_second=500) as ledger`."""
