"""Traces that came as protobuf, as frames: many at once, so that little is spent on each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fleet.collectors.tempo.rows import frame_of_rows, resource_of
from fleet.collectors.tempo.wire import LATEST_NS, MalformedTrace, read_trace, resource_attributes, span_details
from fleet.frames.trace_frame import KINDS, SCHEMA, STATUSES, SpanFrame

LARGE_BYTES = 1 << 20
"""From so many bytes on, loading the compiled loops pays; once they are there they are used for less, too."""
_LOOPS = "fleet.collectors.tempo.loops"


def frame_of_traces(traces: Sequence[bytes]) -> SpanFrame:
    """The spans of ``TracesData`` messages; traces keep their order, spans of each are in order of their start.

    Raises:
        MalformedTrace: one of them is none.
    """
    buffer = b"".join(traces)
    if len(buffer) >= LARGE_BYTES or _LOOPS in sys.modules:
        frame = compiled_frame(buffer)
        if frame is not None:
            return frame
    return frame_of_rows([row for trace in traces for row in read_trace(trace)])


def compiled_frame(buffer: bytes) -> SpanFrame | None:
    """The spans of ``TracesData`` messages one behind the other, by compiled loops.

    None where the bytes are malformed, or texts are no UTF-8: reading them span by span tells more.
    """
    from fleet.collectors.tempo import compiled

    scanned = compiled.scan(buffer)
    if scanned is None:
        return None
    try:
        table = _table(scanned, buffer)
        table.validate(full=True)
    except (pa.ArrowInvalid, MalformedTrace):
        return None
    return SpanFrame(_in_order(table))


def _table(scanned: Any, buffer: bytes) -> Any:
    from fleet.collectors.tempo import loops

    spans, resources = scanned.spans, scanned.spans[:, loops.RESOURCE]
    services = scanned.texts(scanned.services[:, 0], scanned.services[:, 1])
    columns: dict[str, Any] = {
        "trace_id": _strings(scanned.digits(loops.TRACE_ID, 32)),
        "span_id": _strings(scanned.digits(loops.SPAN_ID, 16)),
        "parent_id": _parents(scanned.digits(loops.PARENT_ID, 16)),
        "start_ns": _nanoseconds(scanned.times[:, 0]),
        "duration_ns": np.maximum(_nanoseconds(scanned.times[:, 1]) - _nanoseconds(scanned.times[:, 0]), 0),
        "service": _words(_strings(services)).take(pa.array(resources)),
        "name": _words(_strings(scanned.texts(spans[:, loops.NAME], spans[:, loops.NAME + 1]))),
        "kind": _enum(spans[:, loops.KIND], KINDS),
        "status": _enum(scanned.statuses[:, 0], STATUSES),
        "status_message": _words(_messages(scanned)),
        "attributes": _span_attributes(scanned, buffer),
        "resource": _words(_resource_attributes(scanned, buffer)).take(pa.array(resources)),
        "events": _events(scanned, buffer),
    }
    return pa.table(columns, schema=SCHEMA)


def _strings(texts: Any, kind: Any = pa.string()) -> Any:  # noqa: B008 - types are values that nothing changes
    offsets = texts.offsets if kind == pa.large_string() else texts.offsets.astype(np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(texts.data)]
    return pa.Array.from_buffers(kind, len(offsets) - 1, buffers)


def _words(strings: Any) -> Any:
    """Texts of which few differ."""
    return strings.dictionary_encode()


def _enum(codes: npt.NDArray[np.int64], words: Sequence[str]) -> Any:
    known = np.where((codes >= 0) & (codes < len(words)), codes, 0)
    return pa.DictionaryArray.from_arrays(pa.array(known.astype(np.int32)), pa.array(words))


def _nanoseconds(times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Times of 64 bits without a sign, which are none where they are that large."""
    return np.where(times < 0, LATEST_NS, times)


def _parents(texts: Any) -> Any:
    strings = _strings(texts)
    roots = (texts.data.reshape(-1, 16) == ord("0")).all(axis=1) if len(strings) else np.zeros(0, np.bool_)
    return pc.if_else(pa.array(roots), pa.scalar(None, pa.string()), strings)


def _messages(scanned: Any) -> Any:
    strings = _strings(scanned.texts(scanned.statuses[:, 1], scanned.statuses[:, 2]))
    empty = scanned.statuses[:, 1] == scanned.statuses[:, 2]
    return pc.if_else(pa.array(empty), pa.scalar(None, pa.string()), strings)


def _span_attributes(scanned: Any, buffer: bytes) -> Any:
    from fleet.collectors.tempo.loops import AFTER, BEGIN

    strings = _strings(scanned.attributes, pa.large_string())
    if not scanned.special.any():
        return strings
    places = scanned.spans[scanned.special][:, [BEGIN, AFTER]].tolist()
    texts = [span_details(buffer[begin:end])[0] for begin, end in places]
    return _replaced(strings, scanned.special, texts)


def _events(scanned: Any, buffer: bytes) -> Any:
    from fleet.collectors.tempo.loops import AFTER, BEGIN, EVENTS

    having = scanned.spans[:, EVENTS + 1] > 0
    nothing = pa.nulls(len(scanned.spans), pa.large_string())
    if not having.any():
        return nothing
    places = scanned.spans[having][:, [BEGIN, AFTER]].tolist()
    return _replaced(nothing, having, [span_details(buffer[begin:end])[1] for begin, end in places])


def _resource_attributes(scanned: Any, buffer: bytes) -> Any:
    strings = _strings(scanned.resource_attributes)
    if not scanned.special_resources.any():
        return strings
    places = scanned.resources[scanned.special_resources].tolist()
    texts = [resource_of(resource_attributes(buffer[begin:end]))[1] for begin, end in places]
    return _replaced(strings, scanned.special_resources, texts)


def _replaced(strings: Any, where: npt.NDArray[np.bool_], texts: Sequence[str | None]) -> Any:
    return pc.replace_with_mask(strings, pa.array(where), pa.array(texts, strings.type))


def _in_order(table: Any) -> Any:
    """The rows of each trace together and in order of their start; traces in the order in which they came."""
    ids = table["trace_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    order = np.lexsort((table["start_ns"].to_numpy(), ids))
    if (np.diff(order) == 1).all():
        return table
    return table.take(pa.array(order))
