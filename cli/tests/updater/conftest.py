"""A device without a body."""

from dataclasses import dataclass, field

import pytest

from muster_cli.updater.memory import Image, Memory


@dataclass
class TestedMachine:
    """It is written and rebooted at once, and keeps all it ever remembered."""

    memory: Memory = field(default_factory=Memory)
    remembered: list[Memory] = field(default_factory=list)
    written: list[Image] = field(default_factory=list)
    boots: int = 0

    def remember(self, memory: Memory) -> None:
        self.memory = memory
        self.remembered.append(memory)

    async def write(self, image: Image) -> None:
        self.written.append(image)

    async def reboot(self) -> None:
        self.boots += 1


@pytest.fixture
def machine() -> TestedMachine:
    return TestedMachine()
