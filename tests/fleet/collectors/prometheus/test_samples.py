"""The decoder of sample arrays against json.loads, on all that JSON allows and on damaged bytes."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.collectors.prometheus import samples
from fleet.collectors.prometheus.samples import Grid, MalformedSamples, place_samples

START = 1795176000


def _reference(arrays: list[bytes], grid: Grid) -> np.ndarray:
    """What the arrays say, the slow way; raises ValueError where they are not what they should be."""
    rows = np.full((len(arrays), grid.points), np.nan, dtype=np.float32)
    for row, array in enumerate(arrays):
        last = -1
        pairs = json.loads(array, parse_constant=_no_constant)
        if not isinstance(pairs, list):
            raise ValueError("no list")
        for pair in pairs:
            if not isinstance(pair, list) or len(pair) != 2:
                raise ValueError("no pair")
            time, value = pair
            if isinstance(time, bool) or not isinstance(time, int | float) or not isinstance(value, str):
                raise ValueError("wrong types")
            offset = time - grid.start
            column = round(offset / grid.step)
            if abs(offset - column * grid.step) > 0.0015 or not last < column < grid.points or column < 0:
                raise ValueError("off the grid")
            with np.errstate(over="ignore"):
                rows[row, column] = np.float32(_number(value))
            last = column
    return rows


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _number(text: str) -> float:
    if text.strip() != text or "_" in text:
        raise ValueError(text)
    return float(text)


def _written(value: float) -> str:
    """As Go writes it for Prometheus."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


values = st.floats(width=64) | st.floats(-1e6, 1e6) | st.integers(0, 10).map(float) | st.sampled_from([1e300, 1e-300])


@st.composite
def answers(
    draw: st.DrawFn, *, steps: tuple[float, ...] = (1, 15, 30, 300)
) -> tuple[Grid, list[list[tuple[float, str]]]]:
    grid = Grid(START, draw(st.sampled_from(steps)), draw(st.integers(1, 40)))
    series = draw(
        st.lists(st.dictionaries(st.integers(0, grid.points - 1), values, min_size=0, max_size=grid.points), max_size=6)
    )
    return grid, [
        [(grid.start + column * grid.step, _written(each[column])) for column in sorted(each)] for each in series
    ]


def _json(pairs: list[tuple[float, str]], *, compact: bool, whole: bool) -> bytes:
    pairs = [(int(time) if whole and time == int(time) else float(time), value) for time, value in pairs]
    return json.dumps(pairs, separators=(",", ":") if compact else None).encode()


@settings(max_examples=150, deadline=None)
@given(answers(), st.booleans(), st.booleans(), st.sampled_from([1, 100, 1 << 20]))
def test_as_json_loads_sees_it(
    answer: tuple[Grid, list[list[tuple[float, str]]]], compact: bool, whole: bool, block: int
) -> None:
    grid, series = answer
    arrays = [_json(pairs, compact=compact, whole=whole) for pairs in series]
    before, samples._BLOCK_BYTES = samples._BLOCK_BYTES, block
    try:
        placed = place_samples(arrays, grid)
    finally:
        samples._BLOCK_BYTES = before
    assert placed.tobytes() == _reference(arrays, grid).tobytes() or np.array_equal(
        placed, _reference(arrays, grid), equal_nan=True
    )


@settings(max_examples=80, deadline=None)
@given(answers(steps=(0.5, 0.25, 1.001)), st.sampled_from([0.0, 0.0004, -0.001]))
def test_fractions_of_a_second_snap_to_the_grid(
    answer: tuple[Grid, list[list[tuple[float, str]]]], shift: float
) -> None:
    grid, series = answer
    arrays = [
        _json([(round(time + shift, 4), value) for time, value in pairs], compact=True, whole=True) for pairs in series
    ]
    assert np.array_equal(place_samples(arrays, grid), _reference(arrays, grid), equal_nan=True)


@settings(max_examples=200, deadline=None)
@given(answers(), st.data())
def test_damaged_bytes_are_read_right_or_refused(
    answer: tuple[Grid, list[list[tuple[float, str]]]], data: st.DataObject
) -> None:
    grid, series = answer
    arrays = [_json(pairs, compact=True, whole=True) for pairs in series]
    if not arrays:
        return
    victim = data.draw(st.integers(0, len(arrays) - 1))
    place = data.draw(st.integers(0, len(arrays[victim]) - 1))
    change = data.draw(
        st.sampled_from([b"", b'"', b",", b"[", b"]", b"0", b"9", b" ", b"-", b".", b"e", b"\\", b"x", b"[[", b'"]'])
    )
    arrays[victim] = arrays[victim][:place] + change + arrays[victim][place + 1 :]
    try:
        expected = _reference(arrays, grid)
    except (ValueError, OverflowError):
        with pytest.raises(MalformedSamples):
            place_samples(arrays, grid)
    else:
        assert np.array_equal(place_samples(arrays, grid), expected, equal_nan=True)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (b'[[1795176000,"1"],[1795176030]]', "no \\[\\[time"),
        (b'[[1795176000,"1","2"]]', "no \\[\\[time"),
        (b"[[1795176000,1]]", "no \\[\\[time"),
        (b'[["1795176000","1"]]', "no \\[\\[time"),
        (b'[[1795176000,"one"]]', "no number"),
        (b'[[1795176000,""]]', "no number"),
        (b'[[1795176000,"1"],[1795176000,"2"]]', "two samples"),
        (b'[[1795176030,"1"],[1795176000,"2"]]', "out of order"),
        (b'[[1795176010,"1"]]', "beside"),
        (b'[[1795176000.5,"1"]]', "beside"),
        (b'[[1795175970,"1"]]', "outside"),
        (b'[[1795176300,"1"]]', "outside"),
        (b"null", "no \\[\\[time"),
        (b'{"a":1}', "no \\[\\[time"),
        (b'[[1795176000,"1"],', "no \\[\\[time"),
        (b'[[1e400,"1"]]', "no \\[\\[time|beside|outside"),
    ],
)
def test_what_is_wrong_is_said(array: bytes, words: str) -> None:
    good = b'[[1795176000,"1"],[1795176030,"2"]]'
    grid = Grid(START, 30, 10)
    for arrays in ([array], [good, array, good]):
        with pytest.raises(MalformedSamples, match=words):
            place_samples(arrays, grid)


def test_special_values_and_gaps() -> None:
    array = b'[[1795176000,"NaN"],[1795176030,"+Inf"],[1795176090,"-Inf"],[1795176120,"1e-07"]]'
    placed = place_samples([array], Grid(START, 30, 6))
    assert np.array_equal(
        placed, np.array([[np.nan, np.inf, np.nan, -np.inf, 1e-7, np.nan]], dtype=np.float32), equal_nan=True
    )


def test_values_are_rounded_once_from_double() -> None:
    # Rounding this decimal to float32 at once gives another float32 than through double, as Prometheus holds it.
    text = "1.00000017881393432617187499"
    placed = place_samples([f'[[{START},"{text}"]]'.encode()], Grid(START, 30, 1))
    assert placed[0, 0] == np.float32(float(text))


def test_no_series_and_empty_series() -> None:
    grid = Grid(START, 30, 3)
    assert place_samples([], grid).shape == (0, 3)
    assert np.isnan(place_samples([b"[]", b"[ ]"], grid)).all()
