"""What says that a line is an error: on servers that keep no levels it is the text alone."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from fleet.collectors.loki import LokiClient, LokiLimits
from fleet.collectors.loki.error_lines import ERROR_TEXT, error_queries
from fleet.collectors.loki.sampling import sample_error_lines
from fleet.collectors.transport import TransportLimits
from fleet.frames.coverage import CoverageStatus
from fleet.frames.log_frame import nanoseconds
from fleet.frames.window import CHUNK, Window
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.conformance.adapter import WINDOW
from tests.fleet.collectors.prometheus.byte_server import ByteServer, Request, reply

LIMITS = LokiLimits(transport=TransportLimits(attempts=1))
LABELS = reply('{"status":"success","data":["namespace","pod"]}')
NEWEST = reply(
    '{"status":"success","data":{"resultType":"streams","result":[{"stream":{"namespace":"a","pod":"b"},'
    '"values":[["1769907599000000000","level=info msg=fine"]]}],"stats":{}}}'
)
NOTHING = reply('{"status":"success","data":{"resultType":"streams","result":[],"stats":{}}}')
NO_LABELS = reply('{"status":"success"}')


@pytest.mark.parametrize(
    "line",
    [
        'ts=1 level=error msg="request failed"',
        '{"level":"error","msg":"x"}',
        '{"message":"{\\"severity\\": \\"CRITICAL\\"}"}',
        "2026-11-21 10:00:00 ERROR [main] net.example.Posting - duplicate",
        "E1121 11:47:02.123456    2711 pod_workers.go:1301] failed",
        '{"message":"E1121 11:47:02.123456 1 reflector.go:1] failed"}',
        'lvl=fatal msg="out of memory"',
        "panic: ERROR",
    ],
)
def test_lines_that_tell_of_errors(line: str) -> None:
    assert re.search(ERROR_TEXT, line)


@pytest.mark.parametrize(
    "line",
    [
        'ts=1 level=info msg="no errors"',
        '{"level":"Metadata","verb":"get"}',
        "I1121 11:47:02.123456    2711 kubelet.go:2431] fine",
        "GET /errors 200",
        "level=warn err=EOF",
    ],
)
def test_lines_that_do_not(line: str) -> None:
    assert re.search(ERROR_TEXT, line) is None


@pytest.mark.parametrize(
    ("labels", "lines", "count"), [(LABELS, NEWEST, 1), (LABELS, NOTHING, 0), (NO_LABELS, NOTHING, 0)]
)
def test_an_older_server_is_asked_for_the_text(labels: bytes, lines: bytes, count: int) -> None:
    def script(request: Request, _: int) -> bytes:
        return lines if "query_range" in request.target else labels

    with ByteServer(script) as server, LokiClient(Endpoint(url=server.url), None, LIMITS) as client:
        queries = [str(query) for query in error_queries(client, WINDOW)]
    assert len(queries) == count
    assert all(query.startswith('{namespace=~".+"} |~ "') and "detected_level" not in query for query in queries)


def lines_at(*times_ns: int) -> bytes:
    values = [[str(at), "broke"] for at in times_ns]
    stream = {"stream": {"namespace": "a", "detected_level": "error"}, "values": values}
    return reply(json.dumps({"status": "success", "data": {"resultType": "streams", "result": [stream]}}))


def test_a_full_sample_of_a_server_with_too_much_for_one_query_is_whole() -> None:
    newest = [nanoseconds(WINDOW.end - timedelta(seconds=second)) for second in range(1, 6)]
    since: dict[str, list[int]] = {}

    def script(request: Request, _: int) -> bytes:
        path, form = urlsplit(request.target).path, parse_qs(urlsplit(request.target).query or request.body)
        if path.endswith("/labels"):
            return LABELS
        start, end = int(form["start"][0]), int(form["end"][0])
        if not path.endswith("/query_range"):
            # A byte a second.
            seconds = (end - start) // 10**9
            return reply(f'{{"streams":1,"chunks":1,"bytes":{seconds},"entries":1}}')
        query = form["query"][0]
        since.setdefault("unknown" if '="unknown"' in query else "told", []).append(start)
        return NOTHING if '="unknown"' in query else lines_at(*newest[: int(form["limit"][0])])

    limits = LokiLimits(transport=TransportLimits(attempts=1), scanned_bytes=1800)
    with ByteServer(script) as server, LokiClient(Endpoint(url=server.url), None, limits) as client:
        [(coverage, frame)] = sample_error_lines(client, "c1", [WINDOW], 3)
    assert (coverage.status, coverage.reason) == (CoverageStatus.OK, "a sample: the newest 3 lines of more")
    assert len(frame) == 3
    assert min(since["unknown"]) >= newest[2] - 10**6


def test_a_tenant_that_fails_takes_nothing_from_the_other() -> None:
    at = nanoseconds(WINDOW.start)

    def script(request: Request, _: int) -> bytes:
        path = urlsplit(request.target).path
        if path.startswith("/loki"):
            return reply("404 page not found\n", 404, "text/plain")
        if path.endswith("/labels"):
            return LABELS
        if "/application/" in path:
            return reply("ingester is gone", 500, "text/plain")
        return lines_at(at) if path.endswith("/query_range") else NOTHING

    with ByteServer(script) as server, LokiClient(Endpoint(url=server.url), None, LIMITS) as client:
        [(coverage, frame)] = sample_error_lines(client, "c1", [WINDOW], 3)
    assert (coverage.status, len(frame.lines) > 0) == (CoverageStatus.PARTIAL, True)
    assert "ingester is gone" in coverage.reason


def test_a_server_that_answers_nothing_is_not_asked_for_every_hour() -> None:
    hours = [Window(start=WINDOW.start + number * CHUNK, end=WINDOW.end + number * CHUNK) for number in range(24)]
    with (
        ByteServer(lambda request, _: reply("starting", 503, "text/plain")) as server,
        LokiClient(Endpoint(url=server.url), None, LIMITS) as client,
    ):
        found = list(sample_error_lines(client, "c1", hours, 3))
        assert len(server.requests) == 1
    assert [coverage.status for coverage, _ in found] == [CoverageStatus.UNKNOWN] * 24
