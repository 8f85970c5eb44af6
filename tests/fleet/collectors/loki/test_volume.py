"""How much there is, by whatever a server offers to tell it."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from fleet.collectors.loki import LogRequest, LokiClient, LokiLimits, WrittenQuery, collect_logs
from fleet.collectors.loki.answers import LogVolume
from fleet.collectors.loki.volume import volume_of
from fleet.collectors.transport import TransportLimits
from fleet.errors import Unauthorized
from fleet.frames.coverage import CoverageStatus
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.conformance.adapter import WINDOW
from tests.fleet.collectors.conformance.adapters.loki import LINES, answer_with
from tests.fleet.collectors.prometheus.byte_server import ByteServer, Request, reply

NOT_FOUND = reply("404 page not found\n", 404, "text/plain")
BROKEN = reply("index gateway is down", 500, "text/plain")
STATS = reply('{"streams":5,"chunks":5,"bytes":24576,"entries":313}')
IN_MEMORY = reply('{"streams":0,"chunks":0,"bytes":0,"entries":0}')
# Recorded, cut to its beginning.
VOLUME = reply(
    '{"status":"success","data":{"resultType":"vector","result":[{"metric":{"app":"pat"},"value":[1795265702,"24098"]},'
    '{"metric":{"app":"vcu"},"value":[1795265702,"138"]}]}}'
)


def volume_of_bytes(number: str) -> bytes:
    series = [{"metric": {}, "value": [1795265702, number]}]
    return reply(json.dumps({"status": "success", "data": {"resultType": "vector", "result": series}}))


COUNT = reply('{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1769907600,"42"]}]}}')
QUERY = WrittenQuery('{app="a"} |= "x"')
LIMITS = LokiLimits(transport=TransportLimits(attempts=1))


@pytest.mark.parametrize(
    ("stats", "volume", "count", "known"),
    [
        (STATS, NOT_FOUND, NOT_FOUND, LogVolume(5, 313, 24576)),
        (NOT_FOUND, VOLUME, NOT_FOUND, LogVolume(bytes=24236)),
        (IN_MEMORY, VOLUME, NOT_FOUND, LogVolume(bytes=24236)),
        (BROKEN, VOLUME, NOT_FOUND, LogVolume(bytes=24236)),
        (NOT_FOUND, NOT_FOUND, COUNT, LogVolume(entries=42)),
        (NOT_FOUND, BROKEN, NOT_FOUND, LogVolume()),
        (NOT_FOUND, volume_of_bytes("NaN"), COUNT, LogVolume(entries=42)),
        (NOT_FOUND, volume_of_bytes("+Inf"), COUNT, LogVolume(entries=42)),
        (reply(f'{{"streams":5,"chunks":5,"bytes":1{"0" * 400},"entries":1}}'), VOLUME, COUNT, LogVolume(bytes=24236)),
    ],
)
def test_the_first_source_that_knows(stats: bytes, volume: bytes, count: bytes, known: LogVolume) -> None:
    answers = {"stats": stats, "volume": volume, "query": count}

    def script(request: Request, _: int) -> bytes:
        return answers[urlsplit(request.target).path.rpartition("/")[2]]

    with ByteServer(script) as server, LokiClient(Endpoint(url=server.url), None, LIMITS) as client:
        assert volume_of(client, QUERY, WINDOW) == known


def test_a_server_that_does_not_know_us_is_not_asked_on() -> None:
    with (
        ByteServer(lambda _, __: reply("no org id\n", 401, "text/plain")) as server,
        LokiClient(Endpoint(url=server.url), None, LIMITS) as client,
    ):
        with pytest.raises(Unauthorized, match="several tenants"):
            volume_of(client, QUERY, WINDOW)
        assert len(server.requests) == 1


def test_lines_come_though_the_index_is_broken() -> None:
    lines = answer_with(LINES)

    def script(request: Request, _: int) -> bytes:
        return lines(request) if "/query_range" in request.target else BROKEN

    with ByteServer(script) as server, LokiClient(Endpoint(url=server.url), None, LIMITS) as client:
        frame, coverage = collect_logs(client, "c1", LogRequest(QUERY, WINDOW))
    assert (len(frame), coverage.status) == (LINES, CoverageStatus.OK)


def test_a_sample_that_was_filled_lacks_nothing_though_the_window_was_too_heavy() -> None:
    lines = answer_with(LINES)

    def script(request: Request, _: int) -> bytes:
        return lines(request) if "/query_range" in request.target else STATS

    limits = LokiLimits(transport=TransportLimits(attempts=1), scanned_bytes=24570)
    with ByteServer(script) as server, LokiClient(Endpoint(url=server.url), None, limits) as client:
        _, whole = collect_logs(client, "c1", LogRequest(QUERY, WINDOW))
        frame, sample = collect_logs(client, "c1", LogRequest(QUERY, WINDOW, enough=2))
    assert (whole.status, "too much for one query" in whole.reason) == (CoverageStatus.PARTIAL, True)
    assert (len(frame), sample.status, sample.reason) == (2, CoverageStatus.OK, "a sample: the newest 2 lines of more")


@pytest.mark.parametrize("silent", ["stats", "volume", "query"])
def test_lines_come_though_nobody_says_in_time_how_many(silent: str) -> None:
    lines = answer_with(LINES)

    def script(request: Request, _: int) -> bytes:
        what = urlsplit(request.target).path.rpartition("/")[2]
        if what == "query_range":
            return lines(request)
        if what == silent:
            server.pause(5)
        return NOT_FOUND

    limits = LokiLimits(transport=TransportLimits(attempts=1), probe_seconds=0.3)
    with ByteServer(script) as server, LokiClient(Endpoint(url=server.url), None, limits) as client:
        frame, coverage = collect_logs(client, "c1", LogRequest(QUERY, WINDOW))
    assert (len(frame), coverage.status) == (LINES, CoverageStatus.OK), coverage.reason
