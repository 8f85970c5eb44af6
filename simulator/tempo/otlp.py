"""OTLP/HTTP as Tempo's receiver takes it: traces in JSON, to seed tests. Refusals were recorded from Tempo 3.1."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections import defaultdict
from typing import Any

import orjson

from simulator.answers import Answer, Request, json_answer
from simulator.cluster import SimulatedCluster
from simulator.tempo.pushed import PushedTraces
from simulator.tempo.spans import Attributes, Event, Kind, Scope, Span, Status

_PATH = "/v1/traces"
_INVALID_ARGUMENT = 3
_HEX = re.compile(r"[0-9a-fA-F]*")


def answer_otlp(cluster: SimulatedCluster, request: Request) -> Answer:
    """The answer to a push; what was pushed is found by id at once, and by searches a little later."""
    if request.path != _PATH:
        return Answer(404, b"404 page not found\n", "text/plain; charset=utf-8")
    if request.method != "POST":
        return Answer(405, b"405 method not allowed, supported: [POST]", "text/plain")
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        text = b"415 unsupported media type, supported: [application/json, application/x-protobuf]"
        return Answer(415, text, "text/plain")
    try:
        spans = _read(orjson.loads(request.body))
    except orjson.JSONDecodeError:
        return _refused("readStringSlowPath: unexpected end of input")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return _refused(str(error))
    cluster.state(PushedTraces).add(spans)
    return json_answer({"partialSuccess": {}})


def _refused(message: str) -> Answer:
    return json_answer({"code": _INVALID_ARGUMENT, "message": message}, 400)


def _read(document: dict[str, Any]) -> dict[bytes, list[Span]]:
    found: defaultdict[bytes, list[Span]] = defaultdict(list)
    for held in document.get("resourceSpans", []):
        resource = _attributes(held.get("resource", {}).get("attributes", []))
        for scoped in held.get("scopeSpans", []):
            scope = Scope(scoped.get("scope", {}).get("name", ""), scoped.get("scope", {}).get("version", ""))
            for each in scoped.get("spans", []):
                found[_id(each["traceId"], 16)].append(_span(each, resource, scope))
    return dict(found)


def _span(each: dict[str, Any], resource: Attributes, scope: Scope) -> Span:
    parent = each.get("parentSpanId", "")
    status = each.get("status", {})
    return Span(
        span_id=_id(each["spanId"], 8),
        parent_id=_id(parent, 8) if parent else b"",
        name=each.get("name", ""),
        kind=Kind(each.get("kind", 0)),
        start_ns=int(each.get("startTimeUnixNano", 0)),
        end_ns=int(each.get("endTimeUnixNano", 0)),
        resource=resource,
        attributes=_attributes(each.get("attributes", [])),
        status=Status(status.get("code", 0)),
        message=status.get("message", ""),
        events=tuple(
            Event(event.get("name", ""), int(event.get("timeUnixNano", 0)), _attributes(event.get("attributes", [])))
            for event in each.get("events", [])
        ),
        scope=scope,
    )


def _id(text: str, length: int) -> bytes:
    if len(text) != 2 * length or not _HEX.fullmatch(text):
        raise ValueError("ID.UnmarshalJSONIter: length mismatch")
    return bytes.fromhex(text)


def _attributes(pairs: list[dict[str, Any]]) -> Attributes:
    return {pair["key"]: _value(pair.get("value", {})) for pair in pairs}


def _value(value: dict[str, Any]) -> Any:
    for kind, content in value.items():
        if kind == "intValue":
            return int(content)
        if kind == "arrayValue":
            return [_value(each) for each in content.get("values", [])]
        if kind == "kvlistValue":
            return _attributes(content.get("values", []))
        if kind == "bytesValue":
            try:
                return b64decode(content, validate=True)
            except binascii.Error as error:
                raise ValueError("bytesValue is no base64") from error
        return float(content) if kind == "doubleValue" else content
    return ""
