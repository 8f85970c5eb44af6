"""Options that the queries share, and what they mean."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.terminal import parse_duration, parse_time

if TYPE_CHECKING:
    from fleet.frames.window import Window

ClusterOption = Annotated[list[str] | None, typer.Option(help="Only this cluster; may be repeated.")]
SelectorOption = Annotated[list[str] | None, typer.Option(help="key=value a cluster must have; may be repeated.")]
LastOption = Annotated[str, typer.Option(help="Length of the window, such as 90m, 6h or 2d.")]
UntilOption = Annotated[str, typer.Option(help="End of the window, RFC 3339; by default now.")]
AllowGapsOption = Annotated[bool, typer.Option("--allow-gaps", help="Gaps do not make the exit code 4.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
StepOption = Annotated[str, typer.Option(help="Distance of a range's points, such as 30s; by default for about 240.")]
PlotOption = Annotated[bool, typer.Option("--plot", help="Draw the series of a range instead of a table.")]
LimitOption = Annotated[int, typer.Option(min=0, help="How many are shown at most; 0 for all.")]

_POINTS = 240
_MOST_POINTS = 100_000
_STEPS = (1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
_SHORT = re.compile(r"(?P<number>[0-9]{1,9}(?:\.[0-9]{1,6})?)(?P<unit>us|µs|ms|s|m|h)")
_SHORT_SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def end_of(until: str) -> datetime:
    """``--until`` as a UTC time; now without it.

    Raises:
        typer.BadParameter: it is none, or lies in the future.
    """
    now = datetime.now(UTC)
    end = parse_time(until) if until else now
    if end > now + timedelta(minutes=1):
        raise typer.BadParameter(f"--until {until} lies in the future; it is {now:%Y-%m-%dT%H:%M:%SZ}")
    return end


def window_of(last: str, until: str) -> Window:
    """The window that ``--last`` and ``--until`` name.

    Raises:
        typer.BadParameter: one of them is wrong.
    """
    from fleet.frames.window import Window

    return Window.before(end_of(until), parse_duration(last))


def grid_of(window: Window, step: str) -> tuple[Window, int]:
    """The grid of a range: a step in seconds, and the window moved onto its multiples; its last point is not later.

    Without ``step`` it is the shortest of the usual ones that has no more than about 240 points.

    Raises:
        typer.BadParameter: the step is no duration, longer than the window, or too short for it.
    """
    from fleet.frames.window import Window, floor_time

    if step:
        seconds = int(parse_duration(step).total_seconds())
    else:
        seconds = next((each for each in _STEPS if window.seconds / each <= _POINTS), _STEPS[-1])
    length = timedelta(seconds=seconds)
    if seconds > window.seconds:
        raise typer.BadParameter(f"--step {step} is longer than the window")
    points = int(window.seconds / seconds)
    if points > _MOST_POINTS:
        raise typer.BadParameter(f"--step {step} makes {points:,} points of the window; {_MOST_POINTS:,} are the most")
    # A grid's end is exclusive.
    end = floor_time(window.end, length) + length
    return Window(start=floor_time(window.start, length) + length, end=end), seconds


def parse_short_duration(text: str) -> timedelta:
    """A duration of a span: ``500ms``, ``1.5s``, ``20us``.

    Raises:
        typer.BadParameter: it is none.
    """
    match = _SHORT.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a duration such as 500ms or 1.5s")
    return timedelta(seconds=float(match["number"]) * _SHORT_SECONDS[match["unit"]])
