"""How many readings samples of many chunks take, and that each chunk's coverage is its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from fleet.frames.coverage import Coverage, CoverageStatus
from fleet.frames.sampling import Sample, sample_chunks
from fleet.frames.window import Window
from tests.storage.entities import hours

Times = list[float]
"""A frame of these tests: hours at which something was, the oldest first."""
CUT = "a sample"


class Reader:
    """Reads the newest of what there is; notes which hours were asked for."""

    def __init__(
        self, there: Times, enough: int, fail: Callable[[Window], CoverageStatus | None] = lambda _: None
    ) -> None:
        self.there, self.enough, self.fail = there, enough, fail
        self.asked: list[tuple[int, int]] = []

    def __call__(self, window: Window) -> Sample[Times]:
        begin, end = (round((at - hours(0, 1).start).total_seconds() / 3600) for at in (window.start, window.end))
        self.asked.append((begin, end))
        failed = self.fail(window)
        inside = [at for at in self.there if begin <= at < end]
        newest, whole_since, reason = inside, window.start, ""
        if len(inside) > self.enough:
            newest, reason = inside[-self.enough :], CUT
            whole_since = hours(0, 1).start + timedelta(hours=newest[0], microseconds=1)
        status = failed or CoverageStatus.OK
        coverage = Coverage(
            cluster_id="c",
            signal="logs",
            collector="loki",
            window=window,
            step_seconds=0,
            status=status,
            reason="it failed" if failed else reason,
        )
        return Sample(newest if status is not CoverageStatus.UNKNOWN else [], coverage, whole_since)


def cut(frame: Times, window: Window) -> Times:
    begin = (window.start - hours(0, 1).start).total_seconds() / 3600
    end = (window.end - hours(0, 1).start).total_seconds() / 3600
    return [at for at in frame if begin <= at < end]


def run(reader: Reader, chunks: list[Window]) -> dict[int, tuple[str, str, Times]]:
    """By chunk: its status, the reason, and what is in it."""
    found = list(sample_chunks(chunks, reader, cut))
    assert len({coverage.window for coverage, _ in found}) == len(found) == len(chunks)
    return {
        round((coverage.window.start - hours(0, 1).start).total_seconds() / 3600): (
            coverage.status.value,
            coverage.reason,
            frame,
        )
        for coverage, frame in found
    }


def test_a_quiet_day_is_one_reading() -> None:
    reader = Reader([0.5, 7.25, 23.9], enough=5)
    seen = run(reader, list(hours(0, 24).chunks()))
    assert reader.asked == [(0, 24)]
    assert seen[7] == ("ok", "", [7.25])
    assert seen[8] == ("ok", "", [])


def test_a_busy_hour_costs_a_few_more_and_only_its_own_sample_is_cut() -> None:
    busy = [2 + place / 100 for place in range(40)]
    reader = Reader([0.5, 1.5, *busy, 3.5], enough=5)
    seen = run(reader, list(hours(0, 5).chunks()))
    assert reader.asked == [(0, 5), (0, 3), (0, 2)]
    assert seen[2] == ("ok", CUT, busy[-5:])
    assert [seen[hour] for hour in (0, 1, 3, 4)] == [
        ("ok", "", [0.5]),
        ("ok", "", [1.5]),
        ("ok", "", [3.5]),
        ("ok", "", []),
    ]


def test_every_hour_busy_is_a_reading_an_hour() -> None:
    there = [hour + place / 10 for hour in range(6) for place in range(9)]
    reader = Reader(there, enough=4)
    seen = run(reader, list(hours(0, 6).chunks()))
    assert len(reader.asked) == 6
    assert all(each[1] == CUT and len(each[2]) == 4 for each in seen.values())


def test_chunks_that_do_not_follow_one_another_are_asked_by_themselves() -> None:
    reader = Reader([0.5, 3.5], enough=5)
    run(reader, [hours(0, 1), hours(3, 4), hours(4, 5)])
    assert reader.asked == [(0, 1), (3, 5)]


def test_a_source_that_is_down_is_not_asked_for_every_hour() -> None:
    reader = Reader([1.5], 5, lambda _: CoverageStatus.UNKNOWN)
    seen = run(reader, [*hours(0, 20).chunks(), *hours(22, 24).chunks()])
    assert reader.asked == [(0, 20), (19, 20), (22, 24)]
    assert all(each == ("unknown", "it failed", []) for each in seen.values())


@pytest.mark.parametrize("status", [CoverageStatus.PARTIAL, CoverageStatus.UNKNOWN])
def test_what_is_wrong_with_one_hour_says_nothing_of_the_others(status: CoverageStatus) -> None:
    def heavy(window: Window) -> CoverageStatus | None:
        return status if window.overlaps(hours(2, 3)) else None

    reader = Reader([0.5, 2.5, 4.5], 5, heavy)
    seen = run(reader, list(hours(0, 5).chunks()))
    assert reader.asked == [(0, 5), (4, 5), (3, 4), (2, 3), (1, 2), (0, 1)]
    assert {hour: each[0] for hour, each in seen.items()} == {0: "ok", 1: "ok", 2: status.value, 3: "ok", 4: "ok"}
