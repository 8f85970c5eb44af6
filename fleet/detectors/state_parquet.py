"""Trained state as Parquet: a row a series, a column an array; nothing in it runs when it is read.

A row has ``query`` and ``label_<name>`` columns as stored frames have them, and each array flat: of more than one
dimension as a fixed-size list, whose shape the schema's metadata tells beside the format's version, the version of the
learning code and the facts. Pages carry checksums; that the bytes are whole is proven by the hash in the row that names
the object.
"""

from __future__ import annotations

import io
import json
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from fleet.detectors.trained_state import LEARNING_VERSION, TrainedState
from fleet.errors import CorruptObject
from fleet.frames.series_columns import keys_of, label_columns, label_names, query_column

FORMAT_VERSION = "1"
_FORMAT, _LEARNING = "fleetscope.state_format", "fleetscope.learning_version"
_SHAPES, _FACTS = "fleetscope.shapes", "fleetscope.facts"
_ROWS_A_GROUP = 4096


def encode_state(state: TrainedState) -> bytes:
    """A state as Parquet bytes, the same for the same state.

    Raises:
        ValueError: a fact is NaN or infinite.
    """
    labels = {**query_column(state.keys), **label_columns(state.keys, label_names(state.keys))}
    columns = {name: _stored(state.columns[name]) for name in sorted(state.columns)}
    shapes = {name: list(state.columns[name].shape[1:]) for name in columns}
    floats = [name for name in columns if state.columns[name].dtype.kind == "f"]
    table = pa.table({**labels, **columns}).replace_schema_metadata(
        {
            _FORMAT: FORMAT_VERSION,
            _LEARNING: str(LEARNING_VERSION),
            _SHAPES: _json(shapes),
            _FACTS: _json(state.facts),
        }
    )
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        row_group_size=_ROWS_A_GROUP,
        compression="zstd",
        use_dictionary=list(labels),
        write_statistics=False,
        # Bytes of equal weight side by side, as in frames.
        column_encoding={_place(name, shapes[name]): "BYTE_STREAM_SPLIT" for name in floats},
        write_page_checksum=True,
    )
    return sink.getvalue()


def decode_state(data: Any) -> TrainedState:
    """The state that was encoded, bit for bit.

    Args:
        data: its bytes, or what gives them without copying (a mapped file).

    Raises:
        CorruptObject: the bytes are no state, were damaged, or were written by another version of the learning code.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(pa.py_buffer(data)), page_checksum_verification=True)
        facts = {key.decode(): value.decode() for key, value in (file.metadata.metadata or {}).items()}
        for name, own in ((_FORMAT, FORMAT_VERSION), (_LEARNING, str(LEARNING_VERSION))):
            if facts.get(name) != own:
                raise ValueError(f"{name} {facts.get(name)!r} is not {own!r}")
        shapes: dict[str, list[int]] = json.loads(facts[_SHAPES])
        table = file.read(use_threads=False)
        columns = {name: _array(table[name], shape) for name, shape in shapes.items()}
        return TrainedState(keys_of(table), columns, json.loads(facts[_FACTS]))
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError) as error:
        raise CorruptObject(f"Stored state of {len(data)} bytes cannot be read: {error}") from None


def _stored(column: npt.NDArray[Any]) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(column).reshape(-1))
    return flat if column.ndim == 1 else pa.FixedSizeListArray.from_arrays(flat, prod(column.shape[1:]))


def _array(column: pa.ChunkedArray, shape: list[int]) -> npt.NDArray[Any]:
    whole = column.combine_chunks()
    flat = whole.flatten() if shape else whole
    values: npt.NDArray[Any] = flat.to_numpy(zero_copy_only=False)
    return values.reshape(len(whole), *shape)


def _place(name: str, shape: list[int]) -> str:
    return f"{name}.list.element" if shape else name


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False)
