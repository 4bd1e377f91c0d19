"""What carries a device's calls: any network, or a thin one that comes and goes."""

from typing import Protocol


class Link(Protocol):
    """A device's way to the platform."""

    async def up(self) -> None:
        """Returns when there is one."""
        ...

    async def carried(self, size: int) -> None:
        """Returns when so many more bytes have come over it. Raises httpx.HTTPError when it was lost meanwhile."""
        ...


class AnyLink:
    """Always there, and as fast as it happens to be."""

    async def up(self) -> None:
        """At once."""

    async def carried(self, size: int) -> None:
        """At once."""
