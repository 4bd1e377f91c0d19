"""Identifiers, injected."""

from typing import Protocol
from uuid import UUID, uuid4


class Ids(Protocol):
    def new(self) -> UUID: ...


class RandomIds:
    def new(self) -> UUID:
        return uuid4()
