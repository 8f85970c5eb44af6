"""What is pushed by OTLP is found by id at once, and by searches a moment later."""

from __future__ import annotations

import time
from typing import Any

import pytest

from simulator.fleet import SimulatedFleet
from tests.simulator.conftest import Api, api

TRACE_ID = "00000000000000000123456789abcdef"


@pytest.fixture(scope="module")
def otlp(fleet: SimulatedFleet) -> Api:
    return api(fleet, fleet.names[0], "otlp")


def pushed(trace_id: str, start_ns: int, **more: Any) -> dict[str, Any]:
    span = {"traceId": trace_id, "spanId": "0a00000000000001", "name": "POST /ue", "kind": 2, **more}
    span |= {"startTimeUnixNano": str(start_ns), "endTimeUnixNano": str(start_ns + 5_000_000)}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "amf"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "manual"}, "spans": [span]}]}]}


def test_every_kind_of_value_comes_back(tempo: Api, otlp: Api) -> None:
    attributes = [
        {"key": "text", "value": {"stringValue": "a"}},
        {"key": "whole", "value": {"intValue": "201"}},
        {"key": "true", "value": {"boolValue": True}},
        {"key": "part", "value": {"doubleValue": 0.25}},
        {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": "2"}]}}},
        {"key": "map", "value": {"kvlistValue": {"values": [{"key": "x", "value": {"stringValue": "y"}}]}}},
        {"key": "bytes", "value": {"bytesValue": "AAEC"}},
    ]
    events = [{"name": "exception", "timeUnixNano": "5", "attributes": attributes[:1]}]
    status = {"code": 2, "message": "no route"}
    now = time.time_ns()
    document = pushed(TRACE_ID, now, attributes=attributes, events=events, status=status)
    answer = otlp.http.post("/v1/traces", json=document)
    assert (answer.status_code, answer.json()) == (200, {"partialSuccess": {}})
    [batch] = tempo.get(f"/api/traces/{TRACE_ID.lstrip('0')}").json()["batches"]
    [span] = batch["scopeSpans"][0]["spans"]
    assert span["attributes"] == attributes
    assert span["events"] == events
    assert span["status"] == {"message": "no route", "code": "STATUS_CODE_ERROR"}
    found: list[Any] = []
    deadline = time.monotonic() + 10
    window = {"start": now // 10**9 - 5, "end": now // 10**9 + 5}
    while not found:
        assert time.monotonic() < deadline
        found = tempo.get("/api/search", q='{ resource.service.name = "amf" }', **window).json()["traces"]
    assert (found[0]["traceID"], found[0]["rootServiceName"]) == ("123456789abcdef", "amf")


def test_a_trace_without_its_root(tempo: Api, otlp: Api) -> None:
    now = time.time_ns()
    otlp.http.post("/v1/traces", json=pushed("ab" * 16, now, parentSpanId="0b00000000000001"))
    deadline = time.monotonic() + 10
    while True:
        traces = tempo.get("/api/search", q="{}", start=now // 10**9 - 5, end=now // 10**9 + 5, limit=100).json()
        orphan = next((each for each in traces["traces"] if each["traceID"] == "ab" * 16), None)
        if orphan is not None:
            break
        assert time.monotonic() < deadline
    assert orphan["rootServiceName"] == "<root span not yet received>"
    assert "rootTraceName" not in orphan


def test_refused_pushes(otlp: Api) -> None:
    cut = otlp.http.post("/v1/traces", content=b'{"resource', headers={"Content-Type": "application/json"})
    assert (cut.status_code, cut.json()["code"]) == (400, 3)
    short = otlp.http.post("/v1/traces", json=pushed("abcd", 1))
    assert (short.status_code, short.json()["message"]) == (400, "ID.UnmarshalJSONIter: length mismatch")
    assert otlp.http.post("/v1/traces", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
    assert otlp.get("/v1/traces").status_code == 405
    assert otlp.http.post("/v1/logs", json={}).status_code == 404
    assert otlp.http.post("/v1/traces", json={}).json() == {"partialSuccess": {}}
