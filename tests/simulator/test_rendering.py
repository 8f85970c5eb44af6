"""The compiled writer writes what Python would write."""

from __future__ import annotations

import json

import numpy as np
import pytest

from simulator.rendering import plain_number, render_matrix, series_head, time_stamps


@pytest.mark.parametrize("decimals", [0, 1, 6, 11])
def test_numbers_are_written_as_python_writes_them(decimals: int) -> None:
    draws = np.random.default_rng(decimals)
    values = (draws.normal(size=(3, 400)) * 10.0 ** draws.integers(-8, 5, size=(3, 400))).astype(np.float32)
    values[:, ::7] = 0
    values[1, ::11] = 100
    text = render_matrix(values, decimals, time_stamps(1_795_261_660_000, 30_000, 400), [series_head("{}")] * 3)
    rows = json.loads(b"[" + text.removesuffix(b",") + b"]")
    for row, series in zip(values, rows, strict=True):
        wanted = [[1_795_261_660 + 30 * at, plain_number(float(value), decimals)] for at, value in enumerate(row)]
        assert series == {"metric": {}, "values": wanted}


def test_gaps_are_left_out_and_empty_series_too() -> None:
    values = np.array([[np.nan, 1.5], [np.nan, np.nan], [2, np.nan]], dtype=np.float32)
    heads = [series_head('{"pod":"a"}'), series_head('{"pod":"b"}'), series_head('{"pod":"c"}')]
    text = render_matrix(values, 3, time_stamps(10_000, 500, 2), heads)
    assert text == b'{"metric":{"pod":"a"},"values":[[10.5,"1.5"]]},{"metric":{"pod":"c"},"values":[[10,"2"]]},'


def test_large_numbers_have_no_exponent() -> None:
    values = np.array([[1.5e15, 2**40, -0.0]], dtype=np.float32)
    text = render_matrix(values, 0, time_stamps(0, 1000, 3), [series_head("{}")])
    rows = json.loads(text.removesuffix(b","))["values"]
    assert [float(value) for _, value in rows] == [float(np.float32(1.5e15)), 2.0**40, 0.0]
    assert rows[2][1] == "0"
    assert b"e" not in text.replace(b"metric", b"").replace(b"values", b"")
