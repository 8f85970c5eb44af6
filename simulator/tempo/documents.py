"""Traces in the JSON of Tempo's answers, which is that of gogo's jsonpb.

Ids are base64 of their raw bytes, 64-bit numbers are strings, enums are names, and what is zero is left out. Forms were
recorded from Tempo 3.1.
"""

from __future__ import annotations

from base64 import b64encode
from itertools import groupby
from typing import Any

from simulator.tempo.spans import Attributes, Span, Status, Trace


def resource_spans(trace: Trace) -> list[dict[str, Any]]:
    """What stands under ``batches`` in the first version's answer and under ``resourceSpans`` in the second's."""
    trace_id = b64encode(trace.trace_id).decode()
    found = []
    for _, spans in groupby(trace.spans, key=lambda span: (id(span.resource), span.scope)):
        group = list(spans)
        scope = {
            name: text for name, text in (("name", group[0].scope.name), ("version", group[0].scope.version)) if text
        }
        held = {"scope": scope, "spans": [_span(trace_id, span) for span in group]}
        found.append({"resource": {"attributes": attribute_list(group[0].resource)}, "scopeSpans": [held]})
    return found


def _span(trace_id: str, span: Span) -> dict[str, Any]:
    found: dict[str, Any] = {"traceId": trace_id, "spanId": b64encode(span.span_id).decode()}
    if span.parent_id:
        found["parentSpanId"] = b64encode(span.parent_id).decode()
    found["name"] = span.name
    if span.kind:
        found["kind"] = f"SPAN_KIND_{span.kind.name}"
    found["startTimeUnixNano"] = str(span.start_ns)
    found["endTimeUnixNano"] = str(span.end_ns)
    if span.attributes:
        found["attributes"] = attribute_list(span.attributes)
    if span.events:
        found["events"] = [
            {"timeUnixNano": str(each.time_ns), "name": each.name, "attributes": attribute_list(each.attributes)}
            for each in span.events
        ]
    status: dict[str, str] = {"message": span.message} if span.message else {}
    if span.status is not Status.UNSET:
        status["code"] = f"STATUS_CODE_{span.status.name}"
    found["status"] = status
    return found


def attribute_list(attributes: Attributes) -> list[dict[str, Any]]:
    """Attributes as a list of keys and typed values."""
    return [{"key": name, "value": any_value(value)} for name, value in attributes.items()]


def any_value(value: Any) -> dict[str, Any]:
    """A value under the name of its type."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(each) for each in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": attribute_list(value)}}
    if isinstance(value, bytes):
        return {"bytesValue": b64encode(value).decode()}
    return {"stringValue": value}
