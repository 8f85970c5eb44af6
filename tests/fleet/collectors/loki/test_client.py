"""How the client asks: POST or GET, and below which paths."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from fleet.collectors.loki import LogRequest, LokiClient, LokiLimits, WrittenQuery, collect_logs
from fleet.collectors.loki.gateway import tenants_of
from fleet.collectors.transport import TransportLimits
from fleet.errors import Forbidden, ServerFailed, SourceError, WrongService
from fleet.frames.coverage import CoverageStatus
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.conformance.adapter import WINDOW
from tests.fleet.collectors.conformance.adapters.loki import LINES, TIMES, answer_with
from tests.fleet.collectors.prometheus.byte_server import ByteServer, Request, reply

LIMITS = LokiLimits(transport=TransportLimits(attempts=1, request_seconds=5.0))
LABELS = reply('{"status":"success","data":["kubernetes_namespace_name"]}')
DENIED = reply(
    '{"status":"error","errorType":"observatorium-api","error":"You don\'t have permission to access this tenant"}', 403
)
NOT_FOUND = reply("404 page not found\n", 404, "text/plain")


def asked(client: LokiClient) -> int:
    return len(client.lines('{app="a"}', TIMES[0], TIMES[-1] + 1, limit=5000).frame)


def gateway(request: Request, _: int) -> bytes:
    """OpenShift's: labels are anybody's, lines only where the address names a namespace."""
    parts = urlsplit(request.target)
    if not parts.path.startswith("/api/logs/v1/application/"):
        return NOT_FOUND
    if parts.path.endswith("/labels"):
        return LABELS
    return answer_with(LINES)(request) if "query" in parse_qs(parts.query) else DENIED


@pytest.mark.parametrize("path", ["/api/logs/v1/application", "/api/logs/v1", ""])
def test_the_gateway_is_asked_by_get_since_it_reads_addresses_alone(path: str) -> None:
    with ByteServer(gateway) as server, LokiClient(Endpoint(url=server.url + path), None, LIMITS) as client:
        tenant = next(each for each in tenants_of(client, WINDOW) if each.fault is None)
        assert asked(tenant.client) == LINES
        below = [each.method for each in server.requests if urlsplit(each.target).path.startswith("/api/logs/v1/")]
    assert set(below) == {"GET"}


def test_a_server_that_refuses_post_is_asked_by_get_from_then_on() -> None:
    lines = answer_with(LINES)

    def script(request: Request, _: int) -> bytes:
        return lines(request) if request.method == "GET" else reply("", 405, "")

    with ByteServer(script) as server, LokiClient(Endpoint(url=server.url), None, LIMITS) as client:
        assert [asked(client), asked(client)] == [LINES, LINES]
        assert [each.method for each in server.requests] == ["POST", "GET", "GET"]


@pytest.mark.parametrize(
    "words",
    [
        "rpc error: code = ResourceExhausted desc = grpc: received message larger than max (6050583 vs. 4194304)",
        "response larger than the max message size (105093682 vs 16777216)",
    ],
)
def test_lines_that_a_loki_cannot_hand_on_at_once_come_in_smaller_pages(words: str) -> None:
    lines = answer_with(LINES)

    def script(request: Request, _: int) -> bytes:
        form = parse_qs(request.body)
        if "limit" in form and int(form["limit"][0]) > LINES // 2:
            return reply(words, 500, "text/plain; charset=utf-8")
        return lines(request) if "/query_range" in request.target else NOT_FOUND

    with ByteServer(script) as server, LokiClient(Endpoint(url=server.url), None, LIMITS) as client:
        frame, coverage = collect_logs(client, "c1", LogRequest(WrittenQuery('{app="a"}'), WINDOW))
    assert (len(frame), coverage.status) == (LINES, CoverageStatus.OK), coverage.reason


def tenants(faults: dict[str, bytes]) -> tuple[list[tuple[str, type[SourceError] | None]], list[str]]:
    def script(request: Request, _: int) -> bytes:
        name = urlsplit(request.target).path.removeprefix("/api/logs/v1/").partition("/")[0]
        return faults.get(name, LABELS)

    with ByteServer(script) as server, LokiClient(Endpoint(url=f"{server.url}/api/logs/v1"), None, LIMITS) as client:
        found = tenants_of(client, WINDOW)
        return [(each.name, type(each.fault) if each.fault else None) for each in found], [
            each.target for each in server.requests
        ]


def test_one_broken_tenant_takes_no_other_away() -> None:
    found, _ = tenants({"infrastructure": reply("no ingester", 503, "text/plain"), "audit": DENIED})
    assert found == [("application", None), ("infrastructure", ServerFailed), ("audit", Forbidden)]


def test_a_gateway_that_is_none_or_down_is_an_error() -> None:
    names = ("application", "infrastructure", "audit")
    for answer, kind in ((NOT_FOUND, WrongService), (reply("down", 503, "text/plain"), ServerFailed)):
        with pytest.raises(kind):
            tenants(dict.fromkeys(names, answer))
    refused, _ = tenants(dict.fromkeys(names, DENIED))
    assert [kind for _, kind in refused] == [Forbidden] * 3


def test_times_are_whole_nanoseconds() -> None:
    with ByteServer(lambda request, _: LABELS) as server, LokiClient(Endpoint(url=server.url), None, LIMITS) as client:
        client.labels(WINDOW.model_copy(update={"end": WINDOW.end + timedelta(microseconds=1)}))
        form = parse_qs(server.requests[0].body)
    assert (form["start"], form["end"]) == (["1769904000000000000"], ["1769907600000001000"])
