from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fleet.detectors import state_parquet
from fleet.detectors.state_parquet import decode_state, encode_state
from fleet.detectors.trained_state import TrainedState
from fleet.errors import CorruptObject
from fleet.frames.frame import SeriesKey

FACTS = {"slots": 288, "tails": {"node_cpu_util": [0.1, -3.5]}, "none": None}
TYPES = st.sampled_from([np.float32, np.float64, np.int8, np.int64, np.uint16, np.bool_])


def keys(count: int) -> list[SeriesKey]:
    return [
        SeriesKey.of("node_cpu_util", {"instance": f"node-{row}"} | ({"é": ""} if row % 2 else {}))
        for row in range(count)
    ]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 5), st.lists(st.integers(1, 4), max_size=2), TYPES, st.data())
def test_every_bit_of_every_type_and_shape_comes_back(
    count: int, shape: list[int], kind: type[np.generic], data: st.DataObject
) -> None:
    column = data.draw(hnp.arrays(kind, (count, *shape)))
    state = TrainedState(keys(count), {"spread": column, "other": np.arange(count)}, dict(FACTS))
    back = decode_state(encode_state(state))
    assert (back.keys, back.facts) == (state.keys, state.facts)
    assert back.columns["spread"].dtype == column.dtype
    assert back.columns["spread"].shape == column.shape
    assert back.columns["spread"].tobytes() == column.tobytes()
    assert encode_state(back) == encode_state(state)


@pytest.mark.parametrize(
    "column",
    [np.zeros(3), np.zeros((2, 0)), np.array([object(), object()]), np.array(["a", "b"]), np.zeros(2, dtype=">f4")],
)
def test_what_has_no_row_a_series_or_is_no_number_is_no_state(column: np.ndarray) -> None:
    with pytest.raises(ValueError, match="column"):
        TrainedState(keys(2), {"spread": column}, {})


def test_a_fact_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode_state(TrainedState([], {}, {"tail": float("nan")}))


def test_state_of_another_learning_code_a_frame_and_damage_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    state = TrainedState(keys(300), {"spread": np.random.default_rng(1).normal(size=(300, 40))}, {})
    data = encode_state(state)
    changed = bytearray(data)
    changed[len(data) // 2] ^= 0x10
    for damaged in (b"", data[:-20], bytes(changed), b"<html>"):
        with pytest.raises(CorruptObject):
            decode_state(damaged)
    other = pa.BufferOutputStream()
    pq.write_table(pa.table({"query": ["a"]}), other)
    with pytest.raises(CorruptObject, match="state_format"):
        decode_state(other.getvalue().to_pybytes())
    monkeypatch.setattr(state_parquet, "LEARNING_VERSION", state_parquet.LEARNING_VERSION + 1)
    with pytest.raises(CorruptObject, match="learning_version"):
        decode_state(data)
