"""A metric drawn in the terminal."""

from datetime import UTC, datetime, timedelta

from muster_cli.client.telemetry import SeriesAnswer
from muster_cli.telemetry.chart import drawn

START = datetime(2026, 3, 1, 10, tzinfo=UTC)


def answer(*, at: list[datetime], of: timedelta = timedelta(hours=1)) -> SeriesAnswer:
    series = {"metric": "temperature", "ts": [round(one.timestamp() * 1000) for one in at], "mean": [20.0 for _ in at]}
    return SeriesAnswer.model_validate(
        {"from": START, "to": START + of, "resolution": "1m", "devices": 1, "series": [series]}
    )


def times_below(drawing: str) -> list[str]:
    return drawing.splitlines()[-1].strip(" |").split()


def test_it_spans_the_time_that_was_asked_for_however_little_there_is_to_draw():
    drawing = drawn(answer(at=[START + timedelta(minutes=59)]), "temperature", width=60, height=10, colours=False)
    assert times_below(drawing)[0] == "10:00:00"
    assert times_below(drawing)[-1] == "11:00:00"
    [line] = [line.partition("|")[2] for line in drawing.splitlines() if any("⠀" < char <= "⣿" for char in line)]
    assert len(line.rstrip("⠀ ")) > 55


def test_a_bucket_that_began_before_is_drawn_whole():
    early = START - timedelta(seconds=30)
    drawing = drawn(answer(at=[early, START]), "temperature", width=60, height=10, colours=False)
    assert times_below(drawing)[0] == "09:59:30"


def test_several_days_are_told_apart():
    drawing = drawn(answer(at=[START], of=timedelta(days=3)), "temperature", width=60, height=10, colours=False)
    assert drawing.splitlines()[-1].strip(" |").startswith("03-01 10:00")
