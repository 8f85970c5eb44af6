from __future__ import annotations

import random
import threading
from datetime import UTC, datetime, timedelta

import pytest

from fleet.collectors.tempo import TempoClient, TempoLimits, TraceReading, TraceRequest, collect_traces
from fleet.collectors.tempo.pages import TracePages
from fleet.collectors.tempo.traceql import TraceQuery
from fleet.credentials import Credential
from fleet.errors import CredentialMissing, StoreUnavailable
from fleet.frames.coverage import CoverageStatus
from fleet.frames.window import Window
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.prometheus.byte_server import ByteServer, Reply, Request, reply
from tests.fleet.collectors.tempo.fake import PLAIN, PROTOBUF, FakeTempo
from tests.fleet.collectors.tempo.otlp import response

START = datetime(2026, 2, 1, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(hours=1))
START_NS = int(START.timestamp()) * 10**9
QUERY = TraceQuery("{}")
OK, PARTIAL, UNKNOWN = CoverageStatus.OK, CoverageStatus.PARTIAL, CoverageStatus.UNKNOWN


def starts(count: int, seed: int = 1) -> list[int]:
    """Ascending, most of them within a few seconds."""
    draws = random.Random(seed)  # noqa: S311
    crowd = [START_NS + 1800 * 10**9 + draws.randrange(4 * 10**9) for _ in range(count // 2)]
    return sorted([*crowd, *(START_NS + draws.randrange(3600 * 10**9) for _ in range(count - len(crowd)))])


def read(tempo: FakeTempo, limits: TempoLimits | None = None, **request: int) -> tuple[TraceReading, list[str]]:
    with ByteServer(tempo) as server, TempoClient(Endpoint(url=server.url), None, limits) as client:
        reading = TraceReading(client, "c1", TraceRequest(QUERY, WINDOW, **request))
        ids = [trace_id for frame in reading for trace_id in frame.texts("trace_id")]
    return reading, ids


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("page", [2, 7, 100, 10_000])
def test_every_trace_comes_once_whatever_the_page(page: int, biased: bool) -> None:
    tempo = FakeTempo(starts(60), biased=biased)
    limits = TempoLimits(page_traces=page, span_seconds=1000)
    with ByteServer(tempo) as server, TempoClient(Endpoint(url=server.url), None, limits) as client:
        found = [trace.start_ns for trace in TracePages(client, QUERY, WINDOW)]
    assert found == tempo.starts_ns[::-1]


def test_a_second_with_more_traces_than_a_search_finds() -> None:
    tempo = FakeTempo([START_NS + place for place in range(40)])
    reading, ids = read(tempo, TempoLimits(page_traces=5, largest_page_traces=30))
    assert len(ids) == 30
    assert (reading.coverage.status, "1 seconds hold more" in reading.coverage.reason) == (PARTIAL, True)


def test_all_traces_newest_first() -> None:
    tempo = FakeTempo(starts(150))
    reading, ids = read(tempo, TempoLimits(batch_bytes=2000, page_traces=40))
    assert [int(each, 16) for each in ids] == list(range(150, 0, -1))
    assert (reading.traces, reading.spans) == (150, 150)
    assert (reading.coverage.status, reading.coverage.reason, reading.coverage.signal) == (OK, "", "traces")


def test_only_traces_that_start_in_the_window() -> None:
    tempo = FakeTempo([START_NS - 1, START_NS, START_NS + 3600 * 10**9 - 1, START_NS + 3600 * 10**9])
    _, ids = read(tempo)
    assert [int(each, 16) for each in ids] == [3, 2]


@pytest.mark.parametrize(("most", "status"), [(64, PARTIAL), (100, PARTIAL), (150, OK), (151, OK)])
def test_no_more_traces_than_asked_for(most: int, status: CoverageStatus) -> None:
    reading, ids = read(FakeTempo(starts(150)), most_traces=most)
    assert [int(each, 16) for each in ids] == list(range(150, 150 - min(most, 150), -1))
    assert reading.coverage.status is status
    assert ("more traces match" in reading.coverage.reason) is (status is PARTIAL)


def test_no_more_spans_than_are_read_at_a_time() -> None:
    reading, ids = read(FakeTempo(starts(300)), TempoLimits(most_spans=100, batch_bytes=1))
    assert 100 <= len(ids) < 200
    assert reading.coverage.status is PARTIAL
    assert "as many as are read" in reading.coverage.reason


def test_a_sample_of_large_traces_is_smaller_and_whole_by_design() -> None:
    limits = TempoLimits(most_spans=20, batch_bytes=1)
    reading, ids = read(FakeTempo(starts(300)), limits, enough=100)
    assert (reading.coverage.status, reading.cut) == (OK, True)
    assert reading.coverage.reason == f"a sample: the newest {len(ids)} traces, whose spans are as many as are kept"
    # No more is fetched and held than what is ahead of the last that was decoded.
    assert 20 <= len(ids) <= 28
    assert list(reading.starts_ns.values()) == starts(300)[::-1][: len(ids)]


def test_traces_that_cannot_be_read_are_counted() -> None:
    answers = {
        3: reply(b"\x0a\x00\x12\x00", 200, PROTOBUF),
        5: reply("trace exceeds max size", 422, PLAIN),
        7: reply(response(b"\x0a\x05abc"), 200, PROTOBUF),
        9: reply(response(b"\x0a\x00", partial="too large"), 200, PROTOBUF),
    }

    def special(path: str, form: dict[str, str], request: Request) -> Reply | None:
        return answers.get(int(path.rpartition("/")[2], 16)) if "/traces/" in path else None

    reading, ids = read(FakeTempo(starts(20), special))
    assert len(ids) == 16
    coverage = reading.coverage
    assert (coverage.status, coverage.error) == (PARTIAL, "")
    assert "3 of 20 traces could not be read" in coverage.reason
    assert "1 traces are not whole: too large" in coverage.reason


def test_an_endpoint_that_goes_away_is_not_asked_for_every_trace() -> None:
    def special(path: str, form: dict[str, str], request: Request) -> Reply | None:
        return reply("no", 403, PLAIN) if "/traces/" in path else None

    tempo = FakeTempo(starts(64), special)
    reading, ids = read(tempo)
    assert (ids, reading.coverage.status, reading.coverage.error) == ([], UNKNOWN, "Forbidden")
    assert len(tempo.paths) < 72


@pytest.mark.parametrize("batch_bytes", [1, 1 << 20])
def test_what_was_found_before_a_search_failed_is_read(batch_bytes: int) -> None:
    searches = []

    def special(path: str, form: dict[str, str], request: Request) -> Reply | None:
        if path.endswith("/search"):
            searches.append(form)
        return reply("too slow", 422, PLAIN) if path.endswith("/search") and len(searches) > 3 else None

    spread = [START_NS + place * 10**9 for place in (30, 1830, 2000, 2700, 2800)]
    reading, ids = read(FakeTempo(spread, special), TempoLimits(span_seconds=900, batch_bytes=batch_bytes))
    assert [int(each, 16) for each in ids] == [5, 4, 3, 2]
    assert (reading.traces, reading.spans) == (4, 4)
    assert (reading.coverage.status, reading.coverage.error) == (PARTIAL, "QueryRefused")
    assert "the rest was not read" in reading.coverage.reason


def test_the_last_two_minutes_are_searched_twice() -> None:
    now = datetime.now(UTC)
    window = Window(start=now - timedelta(hours=1), end=now)
    early, late = (int((now - timedelta(seconds=ago)).timestamp()) * 10**9 for ago in (600, 60))
    tempo = FakeTempo([early])

    def appear(path: str, form: dict[str, str], request: Request) -> Reply | None:
        if "/traces/" in path and len(tempo.starts_ns) == 1:
            tempo.starts_ns.append(late)
        return None

    tempo.special = appear
    with ByteServer(tempo) as server, TempoClient(Endpoint(url=server.url)) as client:
        frame, coverage = collect_traces(client, "c1", TraceRequest(QUERY, window))
    assert [int(each, 16) for each in frame.texts("trace_id")] == [1, 2]
    assert coverage.status is PARTIAL
    assert "ended so lately" in coverage.reason
    assert sum(path.endswith("/search") for path in tempo.paths) == 2


def test_a_credential_that_is_not_there_is_told_and_a_store_that_is_down_is_raised() -> None:
    class Lacking:
        def __init__(self, error: Exception) -> None:
            self.error = error

        def credential(self, *, refresh: bool = False) -> Credential:
            raise self.error

    for error in (CredentialMissing("No secret clusters/x."), StoreUnavailable("The store is down.")):
        with TempoClient(Endpoint(url="http://127.0.0.1:9"), Lacking(error)) as client:
            request = TraceRequest(QUERY, WINDOW)
            if isinstance(error, StoreUnavailable):
                with pytest.raises(StoreUnavailable):
                    collect_traces(client, "c1", request)
                continue
            _, coverage = collect_traces(client, "c1", request)
            assert (coverage.status, coverage.error) == (UNKNOWN, "CredentialMissing")


def test_reading_that_is_called_off_in_the_middle() -> None:
    tempo = FakeTempo(starts(100))
    asked = threading.Event()

    def special(path: str, form: dict[str, str], request: Request) -> Reply | None:
        if "/traces/" in path and len(tempo.paths) > 70:
            asked.set()
        return None

    tempo.special = special
    with ByteServer(tempo) as server, TempoClient(Endpoint(url=server.url)) as client:
        threading.Thread(target=lambda: (asked.wait(10), client.close()), daemon=True).start()
        reading = TraceReading(client, "c1", TraceRequest(QUERY, WINDOW))
        spans = sum(len(frame) for frame in reading)
    assert 0 < spans < 100
    assert (reading.coverage.status, reading.coverage.error) == (PARTIAL, "Unreachable")
