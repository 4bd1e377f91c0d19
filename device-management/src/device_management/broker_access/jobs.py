"""The timer of broker access."""

from device_management.broker_access.service import ConnectionCloser


class Sweep:
    """Every 30 s: connections that may not go on end, whatever became of the event."""

    SECONDS = 30.0

    def __init__(self, closer: ConnectionCloser) -> None:
        self._closer = closer

    async def __call__(self) -> None:
        await self._closer.sweep()
