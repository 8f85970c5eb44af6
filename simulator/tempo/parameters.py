"""Parameters of Tempo's API as it reads them, and refuses them. Texts were recorded from Tempo 3.1."""

from __future__ import annotations

import re

from simulator.answers import RefusedError, Request, text_answer
from simulator.cluster import SimulatedCluster
from simulator.tempo.conditions import TraceQlError
from simulator.tempo.traceql import Query, parse

MAX_SECONDS = 168 * 3600
RECENT_SECONDS = 3600
"""Without a window, what came lately is searched."""
_UINT32 = 2**32


def refused(text: str) -> RefusedError:
    """A refusal (400) in plain text."""
    return RefusedError(text_answer(text, 400))


def whole_number(request: Request, name: str) -> int | None:
    """A whole number of 32 bits; None where it is not given."""
    text = request.one(name)
    if not text:
        return None
    reason = "value out of range" if re.fullmatch(r"\d+", text) else "invalid syntax"
    if reason == "invalid syntax" or int(text) >= _UINT32:
        raise refused(f'invalid {name}: strconv.ParseUint: parsing "{text}": {reason}')
    return int(text)


def window(request: Request, cluster: SimulatedCluster) -> tuple[float, float]:
    """The window of a search (Unix seconds); what came lately where none is given."""
    start, end = whole_number(request, "start"), whole_number(request, "end")
    if start is None and end is None:
        return cluster.newest() - RECENT_SECONDS, cluster.newest()
    if start is None:
        raise refused("error parsing date range: only one of start and end provided: must provide both or neither")
    if end is None or start >= end:
        raise refused(f"http parameter start must be before end. received start={start} end={end or 0}")
    if end - start > MAX_SECONDS:
        raise refused(f"range specified by start and end exceeds 168h0m0s. received start={start} end={end}")
    return start, end


def query(text: str) -> Query:
    """A query; a refusal where it cannot be parsed."""
    try:
        return parse(text)
    except TraceQlError as error:
        raise refused(f"invalid TraceQL query: {error}") from error
