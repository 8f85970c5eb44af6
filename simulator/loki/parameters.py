"""Times, limits and directions of requests as Loki reads them, and its own words where it cannot."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from datetime import datetime

from simulator.answers import RefusedError, Request, text_answer
from simulator.times import milliseconds_of_duration

NS = 1_000_000_000
_DEFAULT_SECONDS = 3600
_MAX_ENTRIES = 5000
_MAX_SECONDS = 721 * 3600
_MAX_POINTS = 11_000
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class Window:
    """A stretch of time in nanoseconds; its end is not part of it."""

    start_ns: int
    end_ns: int


def refused(text: str, status: int = 400) -> RefusedError:
    """A refusal in the server's plain text."""
    return RefusedError(text_answer(text, status))


def window_of(request: Request, *, more_ns: int = 0) -> Window:
    """``start``, ``end`` and ``since``.

    Args:
        request: the request.
        more_ns: so much before the start is looked at, too, which counts for the longest range.

    Raises:
        RefusedError: one of them cannot be read, or the window is none or too long (400).
    """
    end = nanoseconds(request, "end", time.time_ns())
    try:
        since = milliseconds_of_duration(request.one("since", f"{_DEFAULT_SECONDS}s"))
    except ValueError as error:
        text = request.one("since")
        raise refused(f"could not parse 'since' parameter: not a valid duration string: \"{text}\"") from error
    start = nanoseconds(request, "start", end - since * 1_000_000)
    if end < start:
        raise refused("end timestamp must not be before or equal to start time")
    check_length(end - start + more_ns)
    return Window(start, end)


def check_length(length_ns: int) -> None:
    """Refuses a query that looks at too long a time."""
    seconds = length_ns // NS
    if seconds > _MAX_SECONDS:
        length = f"{seconds // 3600}h{seconds // 60 % 60}m{seconds % 60}s"
        raise refused(f"the query time range exceeds the limit (query length: {length}, limit: 30d1h)")


def limit_of(request: Request, default: int = 100) -> int:
    """How many lines are wanted at most; too many are refused by :func:`check_limit`.

    Raises:
        RefusedError: it is no positive number (400).
    """
    limit = request.one("limit", str(default))
    if not re.fullmatch(r"[+-]?\d+", limit):
        raise refused(f'strconv.Atoi: parsing "{limit}": invalid syntax')
    if int(limit) <= 0:
        raise refused("limit must be a positive value")
    return int(limit)


def check_limit(limit: int) -> None:
    """Refuses a query for too many lines."""
    if limit > _MAX_ENTRIES:
        text = "max entries limit per query exceeded, limit > max_entries_limit_per_query"
        raise refused(f"{text} ({limit} > {_MAX_ENTRIES})")


def backward_of(request: Request) -> bool:
    """Whether the newest lines come first."""
    direction = request.one("direction", "backward") or "backward"
    if direction.lower() not in {"forward", "backward"}:
        raise refused(f"invalid direction '{direction}'")
    return direction.lower() == "backward"


def step_of(request: Request, window: Window) -> int:
    """The distance of a matrix' points in nanoseconds, by default a 250th of the window.

    Raises:
        RefusedError: it cannot be read, is not positive, or makes too many points (400).
    """
    length = window.end_ns - window.start_ns
    text = request.one("step")
    if not text:
        return max(length // NS // 250, 1) * NS
    try:
        step_ns = milliseconds_of_duration(text) * 1_000_000
    except ValueError as error:
        raise refused(f'cannot parse "{text}" to a valid duration') from error
    if step_ns <= 0:
        raise refused("zero or negative query resolution step widths are not accepted. Try a positive integer")
    if length / step_ns > _MAX_POINTS:
        text = f"exceeded maximum resolution of {_MAX_POINTS:,} points per time series"
        raise refused(f"{text}. Try increasing the value of the step parameter")
    return step_ns


def nanoseconds(request: Request, name: str, default: int) -> int:
    """A time: up to ten digits are seconds, more are nanoseconds; with a fraction seconds; or RFC 3339.

    Raises:
        RefusedError: it is none (400).
    """
    text = request.one(name)
    if not text:
        return default
    if re.fullmatch(r"-?\d+", text):
        return int(text) * (NS if len(text) <= 10 else 1)
    if re.fullmatch(r"-?\d+\.\d*(e[+-]?\d+)?", text):
        fraction, whole = math.modf(float(text))
        return int(whole) * NS + round(fraction * 1e9)
    match = _RFC3339.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)
        second = round(datetime.fromisoformat(match[1] + match[3]).timestamp())
    except ValueError as error:
        parsing = f'strconv.ParseInt: parsing "{text}": invalid syntax'
        raise refused(f"could not parse '{name}' parameter: {parsing}") from error
    return second * NS + int((match[2] or "0").ljust(9, "0"))
