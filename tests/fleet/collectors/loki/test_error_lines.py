"""What says that a line is an error: on servers that keep no levels it is the text alone."""

from __future__ import annotations

import re

import pytest

from fleet.collectors.loki import LokiClient, LokiLimits
from fleet.collectors.loki.error_lines import ERROR_TEXT, error_queries
from fleet.collectors.transport import TransportLimits
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
