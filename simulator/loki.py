"""Loki's HTTP API over a simulated cluster whose logs are empty: what a client asks first, in Loki's own forms.

Forms and errors are those of Loki 3.8, recorded from a real server.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import orjson

from simulator.answers import Answer, RefusedError, Request, json_answer, text_answer
from simulator.cluster import SimulatedCluster
from simulator.gateways import Gateway
from simulator.times import milliseconds_of_duration, milliseconds_of_time

_JSON = "application/json; charset=UTF-8"
_DEFAULT_SECONDS = 3600
_MAX_ENTRIES = 5000
_MAX_SECONDS = 721 * 3600
_GATEWAY = Gateway(
    "/api/logs/v1/{tenant}",
    ("application", "infrastructure", "audit"),
    re.compile(
        r"/loki/api/v1/(query|query_range|labels?|label/[^/]+/values|series|tail|index/volume(_range)?|patterns)"
    ),
)
_BUILD = {
    "version": "3.1.1",
    "revision": "89fe788d",
    "branch": "release-3.1.x",
    "buildUser": "root@simulator",
    "buildDate": "2024-08-08T15:03:19Z",
    "goVersion": "go1.22.5",
}
_SELECTOR = re.compile(
    r'\{\s*([a-zA-Z_][a-zA-Z0-9_]*\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|`[^`]*`)\s*(,\s*|(?=\})))*\}\s*'
)
_MATCHER = re.compile(r'(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|`([^`]*)`)')
_VECTOR = re.compile(r"\s*vector\(\s*([\d.]+)\s*\)\s*")
_SCALAR = re.compile(r"\s*([\d.]+)\s*")
_UNSELECTIVE = (
    "parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible "
    'value. For instance, app=~".*" does not meet this requirement, but app=~".+" will'
)
Handler = Callable[[Request], Answer]


def answer_loki(cluster: SimulatedCluster, request: Request) -> Answer:
    """The answer to a request whose path is relative to the server's root or, on OpenShift, to that of the gateway.

    Raises:
        RefusedError: the request is refused with Loki's own text.
    """
    request = _GATEWAY.behind(cluster, request)
    if request.path == "/ready":
        return text_answer("ready\n")
    path = request.path.removeprefix("/loki/api/v1/")
    handler = _ROUTES.get("label/*/values" if re.fullmatch(r"label/[^/]+/values", path) else path)
    if handler is None or path == request.path:
        return text_answer("404 page not found\n", 404)
    if request.method not in {"GET", "POST"}:
        return Answer(405, b"", "")
    return handler(request)


def _refused(text: str) -> RefusedError:
    return RefusedError(text_answer(text, 400))


def _success(**more: Any) -> Answer:
    return Answer(200, orjson.dumps({"status": "success", **more}), _JSON)


def _build_info(request: Request) -> Answer:
    return json_answer(_BUILD)


def _names(request: Request) -> Answer:
    """Labels, or values of one: without logs there are none, and Loki leaves out what is empty."""
    _window(request)
    return _success()


def _series(request: Request) -> Answer:
    for selector in request.parameters.get("match[]", []):
        _end_of_selector(selector, selective=False)
    return _success(data=[])


def _index_stats(request: Request) -> Answer:
    query = request.one("query")
    if query[_end_of_selector(query) :]:
        raise _refused("only label matchers are supported")
    return Answer(200, orjson.dumps({"streams": 0, "chunks": 0, "bytes": 0, "entries": 0}), _JSON)


def _query(request: Request) -> Answer:
    query = request.one("query")
    if query.lstrip().startswith("{"):
        _end_of_selector(query)
        text = "log queries are not supported as an instant query type, please change your query to a range query type"
        raise _refused(text)
    at = _nanoseconds(request, "time", time.time_ns())
    value = _sum_of(_SCALAR, query)
    if value is not None:
        return _data("scalar", [at // 1_000_000, f"{value:g}"])
    value = _sum_of(_VECTOR, query)
    if value is None:
        raise _refused(_syntax_error(query))
    return _data("vector", [{"metric": {}, "value": [at // 1_000_000 / 1000, f"{value:g}"]}])


def _query_range(request: Request) -> Answer:
    _window(request)
    limit = request.one("limit", "100")
    if not re.fullmatch(r"-?\d+", limit):
        raise _refused(f'strconv.Atoi: parsing "{limit}": invalid syntax')
    if int(limit) <= 0:
        raise _refused("limit must be a positive value")
    if int(limit) > _MAX_ENTRIES:
        text = "max entries limit per query exceeded, limit > max_entries_limit_per_query"
        raise _refused(f"{text} ({limit} > {_MAX_ENTRIES})")
    direction = request.one("direction", "backward")
    if direction.lower() not in {"forward", "backward"}:
        raise _refused(f"invalid direction '{direction}'")
    query = request.one("query")
    if not query.lstrip().startswith("{"):
        raise _refused(_syntax_error(query))
    _end_of_selector(query)
    return _data("streams", [])


def _data(kind: str, result: list[Any]) -> Answer:
    summary = {
        "bytesProcessedPerSecond": 0,
        "linesProcessedPerSecond": 0,
        "totalBytesProcessed": 0,
        "totalLinesProcessed": 0,
        "execTime": 0.000121,
        "queueTime": 0,
        "subqueries": 0,
        "totalEntriesReturned": len(result),
    }
    return _success(data={"resultType": kind, "result": result, "stats": {"summary": summary}})


def _sum_of(term: re.Pattern[str], query: str) -> float | None:
    """The value of a sum of such terms; None where the query is something else."""
    terms = [term.fullmatch(part) for part in query.split("+")]
    return sum(float(each[1]) for each in terms if each) if all(terms) else None


def _syntax_error(query: str) -> str:
    if not query.strip():
        return "parse error : syntax error: unexpected $end"
    return "parse error at line 1, col 1: syntax error: unexpected IDENTIFIER"


def _end_of_selector(query: str, *, selective: bool = True) -> int:
    """Where the stream selector at a query's beginning ends.

    Raises:
        RefusedError: there is none, or it selects everything (400).
    """
    if not query.strip():
        raise _refused(_syntax_error(query))
    begin = len(query) - len(query.lstrip())
    match = _SELECTOR.match(query, begin)
    if match is None:
        word = re.search(r"=~?\s*([a-zA-Z]\w*)", query)
        if word:
            col = word.start(1) + 1
            raise _refused(f"parse error at line 1, col {col}: syntax error: unexpected IDENTIFIER, expecting STRING")
        raise _refused(f"parse error at line 1, col {len(query) + 1}: syntax error: unexpected $end, expecting }} or ,")
    if selective and not any(_selects(each) for each in _MATCHER.finditer(match[0])):
        raise _refused(_UNSELECTIVE)
    return match.end()


def _selects(matcher: re.Match[str]) -> bool:
    """Whether a matcher does not let an absent label through."""
    value = matcher[2] if matcher[3] is None else matcher[3]
    if matcher[1] == "=":
        return value != ""
    if matcher[1] == "!=":
        return False
    try:
        empty = re.fullmatch(value, "") is not None
    except re.error as error:
        raise _refused(f"parse error : error parsing regexp: {error}: `{value}`") from error
    return matcher[1] == "=~" and not empty


def _window(request: Request) -> None:
    """Looks at ``start``, ``end`` and ``since``.

    Raises:
        RefusedError: one of them cannot be read, or the window is none or too long (400).
    """
    end = _nanoseconds(request, "end", time.time_ns())
    try:
        since = milliseconds_of_duration(request.one("since", f"{_DEFAULT_SECONDS}s"))
    except ValueError as error:
        raise _refused(f"could not parse 'since' parameter: {error}") from error
    start = _nanoseconds(request, "start", end - since * 1_000_000)
    if end < start:
        raise _refused("end timestamp must not be before or equal to start time")
    seconds = (end - start) // 1_000_000_000
    if seconds > _MAX_SECONDS:
        length = f"{seconds // 3600}h{seconds // 60 % 60}m{seconds % 60}s"
        raise _refused(f"the query time range exceeds the limit (query length: {length}, limit: 30d1h)")


def _nanoseconds(request: Request, name: str, default: int) -> int:
    """A time: up to ten digits are seconds, more are nanoseconds; with a fraction seconds; or RFC 3339."""
    text = request.one(name)
    if not text:
        return default
    if re.fullmatch(r"\d+", text):
        return int(text) * (1_000_000_000 if len(text) <= 10 else 1)
    if re.fullmatch(r"\d+\.\d*", text):
        return round(float(text) * 1_000_000_000)
    try:
        return milliseconds_of_time(text) * 1_000_000
    except ValueError as error:
        parsing = f'strconv.ParseInt: parsing "{text}": invalid syntax'
        raise _refused(f"could not parse '{name}' parameter: {parsing}") from error


_ROUTES: dict[str, Handler] = {
    "index/stats": _index_stats,
    "label": _names,
    "label/*/values": _names,
    "labels": _names,
    "query": _query,
    "query_range": _query_range,
    "series": _series,
    "status/buildinfo": _build_info,
}
