"""Spans one by one, as rows of a span frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from fleet.frames.trace_frame import SCHEMA, SpanFrame


class SpanRow(NamedTuple):
    """A row, in the order of the frame's columns; ids are padded to their full length."""

    trace_id: str
    span_id: str
    parent_id: str | None
    start_ns: int
    duration_ns: int
    service: str
    name: str
    kind: str
    status: str
    status_message: str | None
    attributes: str
    resource: str
    events: str | None


def resource_of(attributes: dict[str, Any]) -> tuple[str, str]:
    """The service that a resource's attributes name ("" for none), and the attributes as JSON."""
    service = attributes.get("service.name", "")
    return service if isinstance(service, str) else "", json_text(attributes)


def json_text(document: Any) -> str:
    """A document as compact JSON; numbers that JSON has not (NaN, infinite) are null."""
    return orjson.dumps(document).decode()


def frame_of_rows(rows: Sequence[SpanRow]) -> SpanFrame:
    """A frame of the rows, those of a trace in order of their start; the traces keep their order."""
    order: dict[str, int] = {}
    for row in rows:
        order.setdefault(row.trace_id, len(order))
    ordered = sorted(rows, key=lambda row: (order[row.trace_id], row.start_ns))
    columns = list(zip(*ordered, strict=True)) if ordered else [()] * len(SCHEMA)
    return SpanFrame(
        pa.table([_column(values, field) for values, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)
    )


def _column(values: Sequence[Any], field: Any) -> Any:
    if pa.types.is_dictionary(field.type):
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, field.type)
