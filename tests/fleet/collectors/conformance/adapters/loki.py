"""Log lines of a Loki."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from fleet.collectors.loki import LogReading, LogRequest, LokiClient, LokiLimits, WrittenQuery
from fleet.collectors.transport import TransportLimits
from fleet.frames.log_frame import nanoseconds
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.conformance.adapter import CLUSTER_ID, WINDOW, Adapter, Closeable, Outcome
from tests.fleet.collectors.loki.test_lines import body_of
from tests.fleet.collectors.prometheus.byte_server import Request, reply

LINES = 20
PAGE_LINES = 8
TIMES = [nanoseconds(WINDOW.start) + number * 10**9 for number in range(LINES)]


def answer_with(lines: int, **more: object) -> Callable[[Request], bytes]:
    """A Loki that has so many lines, a second apart; ``more`` stands beside each answer's data."""

    def answer(request: Request) -> bytes:
        parts = urlsplit(request.target)
        form = {name: values[0] for name, values in parse_qs(parts.query or request.body).items()}
        start, end = int(form["start"]), int(form["end"])
        if parts.path.endswith("/index/stats"):
            stats = {"streams": min(lines, 1), "chunks": min(lines, 1), "bytes": lines * 10, "entries": lines}
            return reply(json.dumps(stats))
        if parts.path.endswith("/index/volume"):
            return reply('{"status":"success","data":{"resultType":"vector","result":[]}}')
        values = [[str(at), f"line at {at}"] for at in TIMES[:lines] if start <= at < end]
        newest_first = values[::-1][: int(form["limit"])]
        return reply(body_of([({"app": "a"}, newest_first)] if newest_first else [], **more))

    return answer


def collect(endpoint: Endpoint, limits: TransportLimits, opened: Callable[[Closeable], None]) -> Outcome:
    bounds = LokiLimits(transport=limits, probe_seconds=limits.request_seconds, page_lines=PAGE_LINES)
    with LokiClient(endpoint, None, bounds) as client:
        opened(client)
        reading = LogReading(client, CLUSTER_ID, LogRequest(WrittenQuery('{app="a"}'), WINDOW))
        things = sum(len(frame) for frame in reading)
    return Outcome(reading.coverage, things)


LOKI = Adapter(
    name="loki",
    signal="logs",
    collect=collect,
    answer=answer_with(LINES),
    empty=answer_with(0),
    refusal=reply("parse error at line 1, col 6: syntax error", 400, "text/plain; charset=utf-8"),
    warned=answer_with(LINES, warnings=["maximum number of series reached; returning partial results"]),
    answered=2,
)
