"""No line lost and none doubled, whatever the page size: over a Loki's rules of which lines a page holds."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.collectors.loki.client import Direction
from fleet.collectors.loki.limits import LokiLimits
from fleet.collectors.loki.lines import LogPage
from fleet.collectors.loki.paging import Ask, LinePages
from fleet.errors import AnswerTooLarge, QueryRefused, SourceError, SourceTimeout, WrongService
from fleet.frames.log_frame import LogFrame, concatenate_logs

BACKWARD, FORWARD = Direction.BACKWARD, Direction.FORWARD
LIMITS = LokiLimits(page_lines=5000, span_seconds=1.0, shortest_span_seconds=1e-8)


class Store:
    """Lines in one stream and what a Loki with a limit of ``most`` lines a page answers; counts what it was asked."""

    def __init__(self, times: list[int], most: int = 5000) -> None:
        self.times = np.array(sorted(times), np.int64)
        self.most = most
        self.asked: list[tuple[int, int, int]] = []

    def ask_in(self, direction: Direction) -> Ask:
        def ask(start: int, end: int, limit: int) -> LogPage:
            self.asked.append((start, end, limit))
            if limit > self.most:
                text = "max entries limit per query exceeded, limit > max_entries_limit_per_query"
                raise QueryRefused(f"https://x refused the query: {text} ({limit} > {self.most}).")
            first, last = np.searchsorted(self.times, [start, end]).tolist()
            if direction is FORWARD:
                last = min(last, first + limit)
            else:
                first = max(first, last - limit)
            rows = np.arange(first, last)
            lines = pa.array([str(row) for row in rows], pa.large_string())
            return LogPage(LogFrame(self.times[rows], np.zeros(len(rows), np.int32), [{"a": "b"}], lines))

        return ask

    def pages(self, direction: Direction, limits: LokiLimits = LIMITS, end: int | None = None) -> LinePages:
        last = int(self.times[-1]) + 1 if len(self.times) else 10
        return LinePages(self.ask_in(direction), 0, end or last, direction, limits)


def lines_of(frames: list[LogFrame]) -> list[int]:
    joined = concatenate_logs(frames)
    return sorted(int(joined.line(row)) for row in range(len(joined)))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.integers(0, 12), max_size=60),
    st.integers(1, 9),
    st.integers(60, 70),
    st.sampled_from(Direction),
    st.integers(1, 20),
)
def test_each_line_comes_once(times: list[int], page: int, most: int, direction: Direction, span: int) -> None:
    store = Store(times, most)
    limits = replace(LIMITS, page_lines=page, span_seconds=span * 1e-9)
    pages = store.pages(direction, limits)
    frames = list(pages)
    assert lines_of(frames) == list(range(len(times)))
    assert pages.gaps == []
    ordered = frames if direction is FORWARD else frames[::-1]
    for before, after in itertools.pairwise(ordered):
        assert before.timestamps_ns[-1] < after.timestamps_ns[0]


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("page", [1, 2, 100, 1999, 2000, 2001, 5000])
def test_many_lines_of_few_times(direction: Direction, page: int) -> None:
    store = Store([1_000 * (number % 50) for number in range(100_000)])
    pages = store.pages(direction, replace(LIMITS, page_lines=page))
    assert lines_of(list(pages)) == list(range(100_000))
    assert pages.gaps == []
    assert len(store.asked) <= 3 * 50 + 1


@pytest.mark.parametrize("direction", Direction)
def test_more_lines_of_one_time_than_a_server_gives_are_a_gap(direction: Direction) -> None:
    store = Store([5] * 30 + [6] * 300 + [7] * 30, most=100)
    pages = store.pages(direction, replace(LIMITS, page_lines=40))
    got = lines_of(list(pages))
    assert len(got) == len(set(got)) == 30 + 100 + 30
    assert [(gap.at_ns, gap.seen) for gap in pages.gaps] == [(6, 100)]


def test_a_page_larger_than_the_servers_is_made_smaller_once() -> None:
    store = Store(list(range(500)), most=50)
    assert lines_of(list(store.pages(FORWARD))) == list(range(500))
    assert [limit for _, _, limit in store.asked].count(5000) == 1


def breaking(store: Store, direction: Direction, fault: Callable[[int, int, int], SourceError | None]) -> Ask:
    ask = store.ask_in(direction)

    def asked(start: int, end: int, limit: int) -> LogPage:
        error = fault(start, end, limit)
        if error is not None:
            raise error
        return ask(start, end, limit)

    return asked


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize(
    "error",
    [
        SourceTimeout("slow"),
        QueryRefused("the query time range exceeds the limit (limit: 1m)"),
        QueryRefused("the query would read too many bytes (query: 12 GiB, limit: 5 GiB); consider adding more"),
        QueryRefused("un-shardable query too large to execute on a single querier: (query: 9 GiB, limit: 1 GiB)"),
        QueryRefused("the query hit the max number of chunks limit (limit: 2000000 chunks)"),
    ],
)
def test_what_a_server_cannot_answer_at_once_is_asked_in_parts(direction: Direction, error: SourceError) -> None:
    store = Store(list(range(0, 4000, 7)))
    ask = breaking(store, direction, lambda start, end, _: error if end - start > 300 else None)
    pages = LinePages(ask, 0, 4000, direction, LIMITS)
    assert lines_of(list(pages)) == list(range(len(store.times)))


def test_answers_that_are_too_large_are_asked_for_in_smaller_pages() -> None:
    store = Store(list(range(1000)))
    ask = breaking(store, FORWARD, lambda _, __, limit: AnswerTooLarge("large") if limit > 64 else None)
    assert lines_of(list(LinePages(ask, 0, 1000, FORWARD, LIMITS))) == list(range(1000))


@pytest.mark.parametrize("direction", Direction)
def test_large_lines_of_one_time_are_all_read_where_fewer_at_once_can_be(direction: Direction) -> None:
    store = Store([4] * 3 + [5] * 90 + [6] * 3)
    ask = breaking(store, direction, lambda _, __, limit: AnswerTooLarge("large") if limit > 100 else None)
    pages = LinePages(ask, 0, 7, direction, LIMITS)
    assert lines_of(list(pages)) == list(range(96))
    assert pages.gaps == []
    ask = breaking(store, direction, lambda _, __, limit: AnswerTooLarge("large") if limit > 80 else None)
    pages = LinePages(ask, 0, 7, direction, LIMITS)
    assert len(set(lines_of(list(pages)))) == 86
    assert [(gap.at_ns, gap.seen) for gap in pages.gaps] == [(5, 80)]


def test_the_limit_of_the_next_page_is_not_taken_for_that_of_a_full_one() -> None:
    # Made smaller once, the limit grows: 25, 32, 41, 52, 66. The page of 83 is the first one of the 95 lines.
    store = Store([*range(24 + 31 + 40 + 51 + 65), *[1000] * 95], most=100)
    large = iter([AnswerTooLarge("large")])
    ask = breaking(store, FORWARD, lambda _, __, limit: next(large, None) if limit == 100 else None)
    pages = LinePages(ask, 0, 1001, FORWARD, LIMITS)
    assert lines_of(list(pages)) == list(range(len(store.times)))
    assert pages.gaps == []
    assert 83 in [limit for _, _, limit in store.asked]


@pytest.mark.parametrize("error", [SourceTimeout("slow"), QueryRefused("parse error"), AnswerTooLarge("large")])
def test_what_never_works_is_an_error_and_what_came_before_is_whole(error: SourceError) -> None:
    store = Store(list(range(1000)))
    ask = breaking(store, FORWARD, lambda start, end, _: error if end > 500 else None)
    pages = LinePages(ask, 0, 1000, FORWARD, replace(LIMITS, span_seconds=100e-9))
    frames = []
    with pytest.raises(type(error)):
        for frame in pages:
            frames.append(frame)
    assert lines_of(frames) == list(range(pages.start_ns))
    assert pages.start_ns >= 490


def test_lines_of_another_time_end_the_reading() -> None:
    store = Store([1] * 100)

    def elsewhere(start: int, end: int, limit: int) -> LogPage:
        return store.ask_in(FORWARD)(0, 2, limit)

    with pytest.raises(WrongService):
        list(LinePages(elsewhere, 50, 100, FORWARD, replace(LIMITS, page_lines=10)))


def test_warnings_are_kept_once() -> None:
    store = Store(list(range(30)))

    def warned(start: int, end: int, limit: int) -> LogPage:
        return replace(store.ask_in(BACKWARD)(start, end, limit), warnings=["partial"])

    pages = LinePages(warned, 0, 30, BACKWARD, replace(LIMITS, page_lines=10))
    assert lines_of(list(pages)) == list(range(30))
    assert pages.warnings == ["partial"]


def test_a_server_that_warns_anew_with_each_page_fills_no_memory() -> None:
    store = Store(list(range(300)))
    ask = store.ask_in(FORWARD)
    pages = LinePages(
        lambda start, end, limit: replace(ask(start, end, limit), warnings=[f"at {start}", f"until {end}"]),
        0,
        300,
        FORWARD,
        replace(LIMITS, page_lines=10),
    )
    assert len(lines_of(list(pages))) == 300
    assert len(pages.warnings) == 5
