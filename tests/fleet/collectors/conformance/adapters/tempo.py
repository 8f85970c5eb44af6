"""Traces of a Tempo."""

from __future__ import annotations

from collections.abc import Callable

from fleet.collectors.tempo import TempoClient, TempoLimits, TraceReading, TraceRequest
from fleet.collectors.tempo.traceql import TraceQuery
from fleet.collectors.transport import TransportLimits
from fleet.frames.log_frame import nanoseconds
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.conformance.adapter import CLUSTER_ID, WINDOW, Adapter, Closeable, Outcome
from tests.fleet.collectors.prometheus.byte_server import Request, reply
from tests.fleet.collectors.tempo.fake import PROTOBUF, FakeTempo
from tests.fleet.collectors.tempo.otlp import response

TIMES = [nanoseconds(WINDOW.start) + number * 10**9 for number in range(20)]


def answer_with(times: list[int]) -> Callable[[Request], bytes]:
    """A Tempo that has traces of one span at these times."""
    tempo = FakeTempo(times)

    def answer(request: Request) -> bytes:
        found = tempo(request, 0)
        assert isinstance(found, bytes)
        return found

    return answer


def cut_short(request: Request) -> bytes:
    """A Tempo whose traces are too large to come whole."""
    if "/traces/" not in request.target:
        return answer_with(TIMES)(request)
    message = FakeTempo(TIMES).message(int(request.target.rpartition("/")[2], 16) - 1)
    words = "trace exceeds max size: partial results"
    return reply(response(message, partial=words), 200, PROTOBUF)


def collect(endpoint: Endpoint, limits: TransportLimits, opened: Callable[[Closeable], None]) -> Outcome:
    with TempoClient(endpoint, None, TempoLimits(transport=limits, concurrency=1, failures=2)) as client:
        opened(client)
        reading = TraceReading(client, CLUSTER_ID, TraceRequest(TraceQuery("{}"), WINDOW))
        things = sum(len(frame) for frame in reading)
    return Outcome(reading.coverage, things)


TEMPO = Adapter(
    name="tempo",
    signal="traces",
    collect=collect,
    answer=answer_with(TIMES),
    empty=answer_with([]),
    refusal=reply("invalid TraceQL query: parse error at line 1, col 3", 400, "text/plain; charset=utf-8"),
    warned=cut_short,
    answered=3,
)
