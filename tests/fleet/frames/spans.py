"""Small traces, written by hand."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from fleet.frames.trace_frame import SCHEMA, SpanFrame

MS = 1_000_000


def span(
    span_id: str,
    parent_id: str | None,
    start_ms: float,
    end_ms: float,
    service: str = "a",
    kind: str = "internal",
    **more: Any,
) -> dict[str, Any]:
    """A span whose times are milliseconds after one billion seconds; ids are filled up with zeros."""
    row = {
        "trace_id": "1".rjust(32, "0"),
        "span_id": span_id.rjust(16, "0"),
        "parent_id": None if parent_id is None else parent_id.rjust(16, "0"),
        "start_ns": 10**18 + int(start_ms * MS),
        "duration_ns": int((end_ms - start_ms) * MS),
        "service": service,
        "name": f"op {span_id}",
        "kind": kind,
        "status": "unset",
        "status_message": None,
        "attributes": "{}",
        "resource": "{}",
        "events": None,
    }
    return row | more


def frame_of(*rows: dict[str, Any]) -> SpanFrame:
    """A frame of such rows."""
    columns = []
    for field in SCHEMA:
        values = [row[field.name] for row in rows]
        words = pa.types.is_dictionary(field.type)
        columns.append(pa.array(values, pa.string()).dictionary_encode() if words else pa.array(values, field.type))
    return SpanFrame(pa.table(columns, schema=SCHEMA))
