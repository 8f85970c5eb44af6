"""Traces by id in both versions and both forms, as they were recorded, and names and values of attributes."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.simulator.conftest import Api
from tests.simulator.tempo.conftest import HOUR, found

PROTOBUF = {"Accept": "application/protobuf"}
UNKNOWN = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(scope="module")
def trace_id(tempo: Api) -> str:
    return next(each["traceID"] for each in found(tempo, q="{}", limit=600) if len(each["traceID"]) < 32)


def spans_of(batches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [span for batch in batches for scoped in batch["scopeSpans"] for span in scoped["spans"]]


def test_both_versions_hold_the_same_trace(tempo: Api, trace_id: str) -> None:
    first = tempo.get(f"/api/traces/{trace_id}").json()["batches"]
    second = tempo.get(f"/api/v2/traces/{trace_id.upper().rjust(32, '0')}").json()["trace"]["resourceSpans"]
    assert first == second
    spans = spans_of(first)
    assert {base64.b64decode(span["traceId"]).hex().lstrip("0") for span in spans} == {trace_id}
    assert sum("parentSpanId" not in span for span in spans) == 1
    ids = {span["spanId"] for span in spans}
    assert {span["parentSpanId"] for span in spans if "parentSpanId" in span} <= ids
    assert all(span["kind"].startswith("SPAN_KIND_") and span["status"] == {} for span in spans)
    resource = {each["key"]: each["value"]["stringValue"] for each in first[0]["resource"]["attributes"]}
    assert resource.keys() >= {"service.name", "k8s.namespace.name", "k8s.pod.name", "k8s.node.name"}


def test_protobuf_only_where_exactly_that_is_asked_for(tempo: Api, trace_id: str) -> None:
    first = tempo.http.get(f"/api/traces/{trace_id}", headers=PROTOBUF)
    second = tempo.http.get(f"/api/v2/traces/{trace_id}", headers=PROTOBUF)
    assert first.headers["content-type"] == second.headers["content-type"] == "application/protobuf"
    assert first.content in second.content
    other = tempo.http.get(f"/api/v2/traces/{trace_id}", headers={"Accept": "application/protobuf, text/html"})
    assert other.headers["content-type"] == "application/json"


def test_a_trace_that_is_not_there(tempo: Api) -> None:
    absent = tempo.get(f"/api/traces/{UNKNOWN}")
    assert (absent.status_code, absent.content) == (404, b"")
    assert "content-type" not in absent.headers
    assert tempo.get(f"/api/v2/traces/{UNKNOWN}").json() == {"trace": {}, "metrics": {}}
    assert tempo.http.get(f"/api/v2/traces/{UNKNOWN}", headers=PROTOBUF).content == b"\x0a\x00\x12\x00"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("xyz", "trace IDs can only contain hex characters: invalid character 'x' at position 1"),
        ("a" * 33, "trace IDs can't be larger than 128 bits"),
        (f"{UNKNOWN}?start=5&end=4", "http parameter start must be before end. received start=5 end=4"),
        (f"{UNKNOWN}?start=x", 'invalid start: strconv.ParseInt: parsing "x": invalid syntax'),
    ],
)
def test_refused_ids(tempo: Api, path: str, text: str) -> None:
    for version in ("", "/v2"):
        answer = tempo.http.get(f"/api{version}/traces/{path}")
        assert (answer.status_code, answer.text) == (400, text)


def test_names_of_attributes(tempo: Api) -> None:
    names = tempo.get("/api/search/tags", **HOUR).json()["tagNames"]
    assert {"service.name", "k8s.pod.name", "http.route", "db.system"} <= set(names)
    assert tempo.get("/api/search/tags", scope="foo").text == "invalid scope: foo"
    scopes = {each["name"]: each["tags"] for each in tempo.get("/api/v2/search/tags", **HOUR).json()["scopes"]}
    assert "service.name" in scopes["resource"]
    assert "http.route" in scopes["span"]
    assert "traceDuration" in scopes["intrinsic"]
    [resource] = tempo.get("/api/v2/search/tags", scope="resource", limit=1, **HOUR).json()["scopes"]
    assert resource["tags"] == ["k8s.namespace.name"]


def test_values_of_attributes(tempo: Api) -> None:
    def values(tag: str, **more: Any) -> list[dict[str, str]]:
        found_: list[dict[str, str]] = tempo.get(f"/api/v2/search/tag/{tag}/values", **HOUR, **more).json()["tagValues"]
        return found_

    services = {each["value"] for each in values("resource.service.name")}
    assert {"cart", "checkout", "batch-export"} <= services
    assert set(tempo.get("/api/search/tag/service.name/values", **HOUR).json()["tagValues"]) == services
    named = values("name", q='{ resource.service.name = "cart" }')
    assert {"type": "string", "value": "GET /cart"} in named
    assert {"type": "string", "value": "export"} not in named
    assert {"type": "string", "value": "export"} in values("name", q="{ foo")
    assert {"type": "int", "value": "200"} in values("span.http.response.status_code")
    assert {each["value"] for each in values("status")} == {"unset", "ok", "error"}
    assert values("duration") == values("resource.absent") == []
    unscoped = tempo.get("/api/v2/search/tag/service.name/values")
    assert unscoped.text == (
        "please provide a valid tagName: failed to parse identifier service.name: "
        "parse error at line 1, col 2: unknown identifier: service"
    )
