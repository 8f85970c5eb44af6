"""What coverage says of a reading that was left off, of many gaps, and of clusters that name themselves."""

from __future__ import annotations

import re
from dataclasses import replace

from fleet.collectors.loki import LogReading, LogRequest, LokiClient, LokiLimits, WrittenQuery, collect_logs
from fleet.collectors.loki.federated import LogTarget, federated_logs
from fleet.collectors.transport import TransportLimits
from fleet.frames.coverage import CoverageStatus
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.conformance.adapter import WINDOW
from tests.fleet.collectors.conformance.adapters.loki import PAGE_LINES, TIMES, answer_with
from tests.fleet.collectors.loki.test_lines import body_of
from tests.fleet.collectors.prometheus.byte_server import ByteServer, Request, reply

LIMITS = LokiLimits(transport=TransportLimits(attempts=1), page_lines=PAGE_LINES)
REQUEST = LogRequest(WrittenQuery('{app="a"}'), WINDOW)


def test_what_was_not_read_yet_is_unknown() -> None:
    lines = answer_with(20)
    with (
        ByteServer(lambda request, _: lines(request)) as server,
        LokiClient(Endpoint(url=server.url), None, LIMITS) as client,
    ):
        reading = LogReading(client, "c1", REQUEST)
        assert (reading.coverage.status, reading.coverage.reason) == (CoverageStatus.UNKNOWN, "nothing was read yet")
        frames = iter(reading)
        next(frames)
        assert (reading.coverage.status, reading.coverage.reason) == (CoverageStatus.PARTIAL, "reading has not ended")
        assert sum(map(len, frames)) + PAGE_LINES - 1 == 20
        assert reading.coverage.status is CoverageStatus.OK


def test_many_gaps_are_told_in_few_words() -> None:
    """Ten times of three lines each, of which this server hands out two."""

    def script(request: Request, _: int) -> bytes:
        if "/query_range" not in request.target:
            return reply("404 page not found\n", 404, "text/plain")
        form = dict(re.findall(r"(start|end|limit)=(\d+)", request.body))
        limit = int(form["limit"])
        if limit > 2:
            text = "max entries limit per query exceeded, limit > max_entries_limit_per_query"
            return reply(f"{text} ({limit} > 2)", 400, "text/plain")
        times = [at for at in TIMES[:10] for _ in range(3) if int(form["start"]) <= at < int(form["end"])]
        values = [[str(at), "x"] for at in times[::-1][:limit]]
        return reply(body_of([({"app": "a"}, values)] if values else []))

    with ByteServer(script) as server, LokiClient(Endpoint(url=server.url), None, LIMITS) as client:
        frame, coverage = collect_logs(client, "c1", REQUEST)
    assert (len(frame), coverage.status) == (20, CoverageStatus.PARTIAL)
    assert coverage.reason.count("more lines of one time than the server hands out: 2 were read") == 3
    assert coverage.reason.endswith("and so at 7 more times")


def test_a_line_keeps_the_cluster_that_it_names_itself() -> None:
    labels = {"cluster": "own", "exported_cluster": "older"}

    def script(request: Request, _: int) -> bytes:
        if "/query_range" not in request.target:
            return reply("404 page not found\n", 404, "text/plain")
        return reply(body_of([(labels, [[str(TIMES[0]), "x"]])]))

    whole = replace(LIMITS, page_lines=5000)
    with ByteServer(script) as server, LokiClient(Endpoint(url=server.url), None, whole) as client:
        found = federated_logs([LogTarget("c1", "fra-01", client)], REQUEST)
    assert found.frame.streams == [
        {"cluster": "fra-01", "exported_cluster": "older", "exported_exported_cluster": "own"}
    ]
