"""What a person sees while a simulation runs: a live table on a terminal, a plain line every ten seconds elsewhere."""

import asyncio
import time
from collections import deque

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from muster_cli.simulator.tally import Tally
from muster_cli.updater.updater import Outcome

_LIVE_EVERY_S = 0.5
_LINE_EVERY_S = 10.0
_RATE_OVER_S = 5.0
_COLUMNS = ("registered", "connected", "sent", "confirmed", "rate", "updated", "errors")


class Progress:
    """Watches a tally until its task is cancelled. Writes to standard error: standard output is for the report."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._console = Console(stderr=True)
        self._confirmed: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])

    async def show(self) -> None:
        if self._console.is_terminal:
            with Live(self._table(), console=self._console, auto_refresh=False) as live:
                while True:
                    await asyncio.sleep(_LIVE_EVERY_S)
                    live.update(self._table(), refresh=True)
        while True:
            await asyncio.sleep(_LINE_EVERY_S)
            self._console.file.write(self._line() + "\n")
            self._console.file.flush()

    def _table(self) -> Table:
        tally = self._tally
        table = Table(*_COLUMNS, box=None, header_style="bold")
        table.add_row(
            f"{tally.enrolled}/{tally.devices}",
            f"{tally.connected}/{tally.devices}",
            f"{tally.sent}",
            f"{tally.confirmed}",
            f"{self._rate():.1f}/s",
            f"{tally.updates[Outcome.COMPLETED]}",
            f"{tally.troubles.total()}",
        )
        if tally.troubles:
            table.caption = Text(f"most often: {tally.troubles.most_common(1)[0][0]}")
        return table

    def _line(self) -> str:
        tally = self._tally
        return (
            f"registered {tally.enrolled}/{tally.devices} connected {tally.connected}/{tally.devices}"
            f" sent {tally.sent} confirmed {tally.confirmed} rate {self._rate():.1f}/s"
            f" updated {tally.updates[Outcome.COMPLETED]} errors {tally.troubles.total()}"
        )

    def _rate(self) -> float:
        """Confirmed samples a second over the last seconds."""
        now = time.monotonic()
        self._confirmed.append((now, self._tally.confirmed))
        while len(self._confirmed) > 1 and now - self._confirmed[1][0] >= _RATE_OVER_S:
            self._confirmed.popleft()
        since, before = self._confirmed[0]
        return (self._tally.confirmed - before) / max(now - since, 0.001)
