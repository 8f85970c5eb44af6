"""Our Loki collector on a Loki: what this run pushes comes back line by line, whatever is asked and how."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from fleet.collectors.loki import Direction, LogQuery, LogRequest, LokiClient, LokiLimits, WrittenQuery, collect_logs
from fleet.collectors.loki.logql import Contains, LineFilter, Match, Matcher, count_over_time
from fleet.collectors.loki.tail import LogTail
from fleet.errors import QueryRefused, WrongService
from fleet.frames.coverage import CoverageStatus
from fleet.frames.log_frame import time_of
from fleet.frames.window import Window
from fleet.inventory.cluster import Endpoint, EndpointKind
from tests.contracts.seeding import api_of
from tests.contracts.sources import Source, source_of

GROUPS, GROUP_LINES = 6, 40
ODD = ['say "hi" `now`', "back\\slash", "tab\there", "naïve ☃ \u2028", "<b>&amp;</b>", "\x1b[31mred\x1b[0m", '{"a":1}']


@dataclass(frozen=True)
class Seeded:
    """What was pushed: ``GROUPS`` times, a microsecond apart, with ``GROUP_LINES`` lines each, then the odd lines."""

    query: LogQuery
    window: Window
    lines: list[str]


@pytest.fixture(scope="module")
def loki(request: pytest.FixtureRequest) -> Source:
    return source_of(EndpointKind.LOKI, request)


@pytest.fixture
def client(loki: Source) -> Iterator[LokiClient]:
    with LokiClient(loki.endpoint, loki.credentials) as opened:
        yield opened


@pytest.fixture(scope="module")
def seeded(loki: Source) -> Seeded:
    run = f"fleetscope-{uuid.uuid4().hex[:12]}"
    begin = (time.time_ns() - 60_000_000_000) // 1000 * 1000
    groups = [
        (begin + 1000 * group, f"line {group}.{number}") for group in range(GROUPS) for number in range(GROUP_LINES)
    ]
    odd = [(begin + 1000 * (GROUPS + number), line) for number, line in enumerate(ODD)]
    push(loki, run, groups[::2] + odd, part="a")
    push(loki, run, groups[1::2], part="b")
    window = Window(start=time_of(begin), end=time_of(begin) + timedelta(microseconds=GROUPS + len(ODD)))
    query = LogQuery((Matcher("fleetscope_run", Match.EQUAL, run),))
    return Seeded(query, window, [line for _, line in groups + odd])


def push(source: Source, run: str, lines: list[tuple[int, str]], **labels: str) -> None:
    stream = {"fleetscope_run": run, **labels}
    document = {"streams": [{"stream": stream, "values": [[str(at), line] for at, line in lines]}]}
    with api_of(source) as api:
        answer = api.post("/loki/api/v1/push", json=document)
    if answer.status_code in {401, 403, 404, 405}:
        pytest.skip(f"the credential may not push to this Loki ({answer.status_code})")
    answer.raise_for_status()


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("page", [5000, 100, 41, 7, 1])
def test_each_line_comes_once(loki: Source, seeded: Seeded, direction: Direction, page: int) -> None:
    with LokiClient(loki.endpoint, loki.credentials, LokiLimits(page_lines=page)) as client:
        frame, coverage = collect_logs(client, "c", LogRequest(seeded.query, seeded.window, direction=direction))
    assert (coverage.status, coverage.reason) == (CoverageStatus.OK, "")
    assert sorted(frame.lines.to_pylist()) == sorted(seeded.lines)
    assert frame.lines.to_pylist()[-len(ODD) :] == ODD
    assert {labels["part"] for labels in frame.streams} == {"a", "b"}


def test_a_window_begins_with_its_start_and_ends_before_its_end(client: LokiClient, seeded: Seeded) -> None:
    start = seeded.window.start + timedelta(microseconds=1)
    window = Window(start=start, end=start + timedelta(microseconds=2))
    frame, _ = collect_logs(client, "c", LogRequest(seeded.query, window))
    assert {line.partition(".")[0] for line in frame.lines.to_pylist()} == {"line 1", "line 2"}
    assert len(frame) == 2 * GROUP_LINES


@pytest.mark.parametrize("line", ODD)
def test_a_quoted_text_finds_its_line_alone(client: LokiClient, seeded: Seeded, line: str) -> None:
    query = seeded.query.narrowed(LineFilter(Contains.TEXT, line))
    frame, coverage = collect_logs(client, "c", LogRequest(query, seeded.window))
    assert frame.lines.to_pylist() == [line], coverage.reason


def test_counts_labels_and_series_fit_together(client: LokiClient, seeded: Seeded) -> None:
    end = seeded.window.end + timedelta(seconds=1)
    window = Window(start=seeded.window.start - timedelta(seconds=1), end=end)
    count = client.query(count_over_time(seeded.query, 3600, ["part"]), end)
    assert sum(each.values[0] for each in count.series) == len(seeded.lines)
    assert {each.labels["part"] for each in count.series} == {"a", "b"}
    assert {"fleetscope_run", "part"} <= set(client.labels(window))
    assert client.label_values("part", window, seeded.query.selector) == ["a", "b"]
    assert {labels["part"] for labels in client.series([seeded.query.selector], window)} == {"a", "b"}
    matrix = client.query_range(count_over_time(seeded.query, 60), window, 60)
    assert matrix.total >= len(seeded.lines)
    assert client.query("1+1", end).series[0].values.tolist() == [2.0]


def test_nothing_is_an_answer(client: LokiClient, seeded: Seeded) -> None:
    query = LogQuery((Matcher("fleetscope_run", Match.EQUAL, "nobody"),))
    frame, coverage = collect_logs(client, "c", LogRequest(query, seeded.window))
    assert (len(frame), coverage.status) == (0, CoverageStatus.OK)
    assert client.label_values("nobody-has-this", seeded.window) == []


def test_a_query_that_is_none_is_refused(client: LokiClient, seeded: Seeded) -> None:
    _, coverage = collect_logs(client, "c", LogRequest(WrittenQuery('{a="b"} |='), seeded.window))
    assert (coverage.status, coverage.error) == (CoverageStatus.UNKNOWN, "QueryRefused")
    with pytest.raises(QueryRefused):
        client.query("rate(", seeded.window.end)


def test_more_lines_than_the_server_gives_at_once_are_asked_in_its_size(loki: Source, seeded: Seeded) -> None:
    with LokiClient(loki.endpoint, loki.credentials, LokiLimits(page_lines=1_000_000)) as client:
        frame, coverage = collect_logs(client, "c", LogRequest(seeded.query, seeded.window))
    assert (len(frame), coverage.status) == (len(seeded.lines), CoverageStatus.OK)


def test_a_tail_tells_what_comes(loki: Source, client: LokiClient) -> None:
    run = f"fleetscope-{uuid.uuid4().hex[:12]}"
    query = LogQuery((Matcher("fleetscope_run", Match.EQUAL, run),))
    told: list[str] = []
    stop = threading.Event()

    def keep_pushing() -> None:
        number = 0
        while not stop.wait(0.3):
            push(loki, run, [(time.time_ns(), f"tailed {number}")])
            number += 1

    pushing = threading.Thread(target=keep_pushing)
    pushing.start()
    try:
        with LogTail(client, query) as tail:
            for piece in tail:
                told += piece.frame.lines.to_pylist()
                if len(told) >= 3:
                    break
    finally:
        stop.set()
        pushing.join()
    first = int(told[0].removeprefix("tailed "))
    assert told[:3] == [f"tailed {first + number}" for number in range(3)]


def test_a_tail_of_numbers_is_refused(client: LokiClient) -> None:
    with LogTail(client, WrittenQuery('rate({fleetscope_run="x"}[1m])')) as tail, pytest.raises(QueryRefused):
        # A connection that ends before its reason arrives is opened anew.
        list(itertools.islice(tail, 20))


def test_another_path_is_another_service(loki: Source, seeded: Seeded) -> None:
    elsewhere = Endpoint.model_validate({**loki.endpoint.model_dump(), "url": f"{loki.endpoint.url}/nowhere"})
    with LokiClient(elsewhere, loki.credentials) as client, pytest.raises(WrongService):
        client.labels(seeded.window)
