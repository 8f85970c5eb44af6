from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.frames.frame import Frame, SeriesKey, concatenate
from fleet.frames.window import Window

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
POINTS = 4


def _window(chunks: int) -> Window:
    return Window(start=START, end=START + timedelta(seconds=30 * POINTS * chunks))


def _chunk(number: int, pods: list[str]) -> Frame:
    keys = [SeriesKey.of("disk_busy", {"pod": pod}) for pod in pods]
    values = np.array([[100 * number + ord(pod)] * POINTS for pod in pods], dtype=np.float32).reshape(len(pods), POINTS)
    return Frame(START + timedelta(seconds=30 * POINTS * number), 30, keys, values)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcd"), unique=True), max_size=6))
def test_joined_chunks_hold_each_series_where_it_was_seen(pods_of_chunks: list[list[str]]) -> None:
    whole = concatenate(
        [_chunk(number, pods) for number, pods in enumerate(pods_of_chunks)], _window(len(pods_of_chunks) + 1), 30
    )
    in_order = dict.fromkeys(pod for pods in pods_of_chunks for pod in pods)
    assert [key.label("pod") for key in whole.keys] == list(in_order)
    for row, pod in enumerate(in_order):
        for number, pods in enumerate([*pods_of_chunks, []]):
            part = whole.values[row, number * POINTS : (number + 1) * POINTS]
            assert (part == 100 * number + ord(pod)).all() if pod in pods else np.isnan(part).all()


def test_where_chunks_overlap_the_last_counts() -> None:
    whole = concatenate([_chunk(0, ["a", "b"]), Frame(**{**vars(_chunk(1, ["a"])), "start": START})], _window(1), 30)
    assert whole.values[:, 0].tolist() == [100 + ord("a"), ord("b")]


def test_another_step_is_refused() -> None:
    with pytest.raises(ValueError, match="step 60"):
        concatenate([Frame(START, 60, [], np.empty((0, POINTS), dtype=np.float32))], _window(1), 30)
