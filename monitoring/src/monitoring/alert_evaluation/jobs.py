"""What deciding does by the clock, and as soon as there is reason to."""

import asyncio
from contextlib import suppress

import structlog

from monitoring.alert_evaluation.service import AlertJudge, RuleSweep
from shared.errors import ServiceUnavailable

_log = structlog.get_logger(__name__)


class LookAtAlerts:
    """At once when woken, a little later when there is more to come, and every second for deadlines."""

    def __init__(self, judge: AlertJudge, *, pause_s: float = 0.2, poll_s: float = 1.0) -> None:
        self._judge = judge
        self._pause_s = pause_s
        self._poll_s = poll_s
        self._woken = asyncio.Event()

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        while True:
            self._woken.clear()
            try:
                while await self._judge.look():
                    pass
            except ServiceUnavailable as error:
                _log.warning("alerts not looked at", reason=error.code)
            await asyncio.sleep(self._pause_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s):
                    await self._woken.wait()


class SweepRules:
    SECONDS = 1.0

    def __init__(self, sweep: RuleSweep, looks: LookAtAlerts) -> None:
        self._sweep = sweep
        self._looks = looks

    async def __call__(self) -> None:
        if await self._sweep.sweep():
            self._looks.wake()
