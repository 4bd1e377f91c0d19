"""A metric over time, drawn with the characters of a terminal."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import plotille  # pyright: ignore[reportMissingTypeStubs]

from muster_cli.client.telemetry import SeriesAnswer
from muster_cli.output import one_line

_FRAME = (26, 8)
"""Columns and lines around the drawing."""

_COLOURS = ("cyan", "yellow", "magenta", "green", "red", "blue")
_MAX_SIZE = (120, 20)
_MIN_SIZE = (20, 5)
_A_DAY = timedelta(days=1)


def size() -> tuple[int, int]:
    """Columns and lines that a drawing may have on this terminal."""
    there = shutil.get_terminal_size()
    sizes = zip(there, _FRAME, _MIN_SIZE, _MAX_SIZE, strict=True)
    width, height = (max(least, min(most, whole - frame)) for whole, frame, least, most in sizes)
    return width, height


def drawn(answer: SeriesAnswer, metric: str, *, width: int, height: int, colours: bool) -> str:
    """Each series as a line over all of the time that was asked for, in UTC; its mean where it is in buckets."""
    figure = plotille.Figure()
    figure.width, figure.height = width, height
    figure.with_colors, figure.color_mode = colours, "names"
    figure.origin = False
    figure.x_label, figure.y_label = "UTC", one_line(metric)
    figure.register_label_formatter(float, _number)
    figure.register_label_formatter(datetime, _clock(is_long=answer.end - answer.start > _A_DAY))
    begins = answer.start
    for number, series in enumerate(answer.series):
        there = [(ts, mean) for ts, mean in zip(series.ts, series.mean, strict=True) if mean is not None]
        if there:
            times = [datetime.fromtimestamp(ts / 1000, UTC) for ts, _ in there]
            values = [mean for _, mean in there]
            begins = min(begins, times[0])
            figure.plot(times, values, lc=_COLOURS[number % len(_COLOURS)], label=one_line(series.device_uid or "all"))
    figure.set_x_limits(begins, answer.end)
    return figure.show(legend=len(answer.series) > 1)


def _number(val: float, chars: int, delta: float, left: bool = False) -> str:
    text = f"{val:.6g}"
    return text.ljust(chars) if left else text.rjust(chars)


def _clock(*, is_long: bool) -> Callable[..., str]:
    """How a time is written below the drawing: with its day where there are several."""

    def write(at: datetime, chars: int, delta: Any, left: bool = False) -> str:
        text = f"{at:%m-%d %H:%M}" if is_long else f"{at:%H:%M:%S}"
        return text.ljust(chars) if left else text.rjust(chars)

    return write
