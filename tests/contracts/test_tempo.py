"""Our Tempo collector on a Tempo: what this run pushes by OTLP comes back span by span, whatever is asked and how.

``FLEETSCOPE_CONTRACT_TEMPO_OTLP`` is the URL of the server's OTLP/HTTP receiver, which is not that of its API.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from fleet.collectors.tempo import TempoClient, TraceRequest, collect_traces
from fleet.collectors.tempo.answers import FoundTrace
from fleet.collectors.tempo.dependencies import Connection, edges_of_spans
from fleet.collectors.tempo.traceql import (
    Attribute,
    Condition,
    Intrinsic,
    Operator,
    Scope,
    Selection,
    TagSearch,
    TraceQuery,
    spans_with,
)
from fleet.errors import QueryRefused, WrongService
from fleet.frames.coverage import CoverageStatus
from fleet.frames.log_frame import time_of
from fleet.frames.span_tree import trees
from fleet.frames.trace_frame import SpanFrame
from fleet.frames.window import Window
from fleet.inventory.cluster import Endpoint, EndpointKind
from tests.contracts.seeding import api_of
from tests.contracts.sources import Source, source_of

TRACES = 6
SEARCHABLE_SECONDS = 90
"""A Tempo was seen to take half a minute from a push until searches find it."""
ODD = 'say "hi" \\ `now`\n☃'
FoundT = TypeVar("FoundT")


@dataclass(frozen=True)
class Seeded:
    """What was pushed: ``TRACES`` traces of a shop, a second apart; the first one's id begins with zeros.

    In each, the gateway asks orders, which asks billing and its database; every third call of billing fails.
    """

    run: str
    window: Window
    trace_ids: list[str]
    query: TraceQuery

    def service(self, name: str) -> str:
        return f"{name}-{self.run}"


@pytest.fixture(scope="module")
def tempo(request: pytest.FixtureRequest) -> Source:
    return source_of(EndpointKind.TEMPO, request)


@pytest.fixture
def client(tempo: Source) -> Iterator[TempoClient]:
    with TempoClient(tempo.endpoint, tempo.credentials) as opened:
        yield opened


@pytest.fixture(scope="module")
def seeded(tempo: Source) -> Seeded:
    run = uuid.uuid4().hex[:12]
    begin = (time.time_ns() - 20_000_000_000) // 10**9 * 10**9
    trace_ids = [f"{'0' * 5 if number == 0 else 'f'}{uuid.uuid4().hex}"[:32] for number in range(TRACES)]
    batches = [
        batch
        for number, trace_id in enumerate(trace_ids)
        for batch in shop_trace(run, trace_id, begin + number * 10**9, fails=number % 3 == 0)
    ]
    push(tempo, batches)
    window = Window(start=time_of(begin), end=time_of(begin) + timedelta(seconds=TRACES + 1))
    query = spans_with(Condition(Attribute("fleetscope.run", Scope.SPAN), Operator.EQUAL, run))
    made = Seeded(run, window, trace_ids, query)
    with TempoClient(tempo.endpoint, tempo.credentials) as opened:
        until(lambda: len(opened.search(query, window, 100)) == TRACES)
    return made


def push(source: Source, batches: list[dict[str, Any]]) -> None:
    url = os.environ.get("FLEETSCOPE_CONTRACT_TEMPO_OTLP")
    if url is None:
        if not source.simulated:
            pytest.skip("FLEETSCOPE_CONTRACT_TEMPO_OTLP does not name where this Tempo receives traces")
        url = f"{source.endpoint.url.removesuffix('/tempo')}/otlp"
    receiver = replace(source, endpoint=Endpoint.model_validate({**source.endpoint.model_dump(), "url": url}))
    with api_of(receiver) as api:
        answer = api.post("/v1/traces", json={"resourceSpans": batches})
    answer.raise_for_status()
    assert answer.json() == {"partialSuccess": {}}


def until(found: Callable[[], FoundT], seconds: float = SEARCHABLE_SECONDS) -> FoundT:
    """What is found at last; searches find a trace only a while after it was pushed."""
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.2)
    return result


def shop_trace(run: str, trace_id: str, at: int, *, fails: bool) -> list[dict[str, Any]]:
    broken = {"code": 2, "message": "card refused"} if fails else {}
    database = [("db.system", {"stringValue": "postgresql"}), ("peer.service", {"stringValue": f"pg-{run}"})]
    odd = [
        ("odd", {"stringValue": ODD}),
        ("whole", {"intValue": "-5"}),
        ("part", {"doubleValue": 0.25}),
        ("true", {"boolValue": True}),
        ("list", {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": "2"}]}}),
        ("map", {"kvlistValue": {"values": [{"key": "x", "value": {"stringValue": "y"}}]}}),
    ]

    def span(number: int, parent: int | None, name: str, kind: int, begin_ms: int, end_ms: int, **more: Any) -> Any:
        pairs = [("fleetscope.run", {"stringValue": run}), *more.pop("attributes", [])]
        ids = {"traceId": trace_id, "spanId": f"{number:016x}"}
        if parent is not None:
            ids["parentSpanId"] = f"{parent:016x}"
        times = {"startTimeUnixNano": str(at + begin_ms * 10**6), "endTimeUnixNano": str(at + end_ms * 10**6)}
        attributes = [{"key": key, "value": value} for key, value in pairs]
        return {**ids, "name": name, "kind": kind, **times, "attributes": attributes, **more}

    def made_by(service: str, *spans: dict[str, Any]) -> dict[str, Any]:
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": f"{service}-{run}"}}]}
        return {"resource": resource, "scopeSpans": [{"scope": {"name": "contract"}, "spans": list(spans)}]}

    event = {"timeUnixNano": str(at), "name": "exception", "attributes": []}
    return [
        made_by(
            "gateway",
            span(1, None, "GET /orders", 2, 0, 100, attributes=odd),
            span(2, 1, "http orders", 3, 10, 90),
        ),
        made_by(
            "orders",
            span(3, 2, "list orders", 2, 20, 80),
            span(4, 3, "grpc billing", 3, 30, 60),
            span(5, 3, "SELECT", 3, 62, 70, attributes=database),
        ),
        made_by("billing", span(6, 4, "charge", 2, 35, 55, status=broken, events=[event] if fails else [])),
    ]


def ids(found: list[FoundTrace]) -> set[str]:
    return {trace.trace_id for trace in found}


def test_a_trace_comes_back_by_its_id(client: TempoClient, seeded: Seeded) -> None:
    # The first id has leading zeros, which searches leave out.
    for digits in (seeded.trace_ids[0], seeded.trace_ids[0].lstrip("0"), seeded.trace_ids[0].upper()):
        frame = client.trace(digits)
        assert set(frame.texts("trace_id")) == {seeded.trace_ids[0]}
        assert len(frame) == 6
    rows = {row["span_id"]: row for row in frame.table.to_pylist()}
    first = rows[f"{1:016x}"]
    assert (first["parent_id"], first["kind"], first["duration_ns"]) == (None, "server", 100_000_000)
    assert first["start_ns"] == int(seeded.window.start.timestamp()) * 10**9
    failed = rows[f"{6:016x}"]
    assert (failed["status"], failed["status_message"], "exception" in failed["events"]) == (
        "error",
        "card refused",
        True,
    )


def test_every_form_of_a_trace_says_the_same(client: TempoClient, seeded: Seeded) -> None:
    def rows(second: bool, protobuf: bool) -> list[dict[str, Any]]:
        client._second, client._protobuf = second, protobuf
        spans: list[dict[str, Any]] = client.trace(seeded.trace_ids[1]).table.to_pylist()
        # A server may order spans and attributes anew each time.
        for span in spans:
            span["attributes"] = sorted(span["attributes"].strip("{}").split(","))
            span["resource"] = sorted(span["resource"].strip("{}").split(","))
        return sorted(spans, key=lambda span: str(span["span_id"]))

    forms = [rows(second, protobuf) for second in (True, False) for protobuf in (True, False)]
    assert all(form == forms[0] for form in forms)
    assert any("-5" in text for text in forms[0][0]["attributes"])


def test_a_trace_that_is_not_there(client: TempoClient) -> None:
    assert len(client.trace(uuid.uuid4().hex)) == 0


def test_searches_find_what_matches(client: TempoClient, seeded: Seeded) -> None:
    def found(query: TraceQuery | TagSearch, limit: int = 100) -> set[str]:
        return ids(client.search(query, seeded.window, limit))

    everything = set(seeded.trace_ids)
    billing, gateway = seeded.service("billing"), seeded.service("gateway")
    assert found(seeded.query) == everything
    assert found(Selection(service=billing).query()) == everything
    assert found(Selection(service=billing, operation="charge", errors_only=True).query()) == set(seeded.trace_ids[::3])
    assert found(Selection(service=gateway, longer_than=timedelta(milliseconds=99)).query()) == everything
    assert found(Selection(service=gateway, longer_than=timedelta(milliseconds=101)).query()) == set()
    assert found(Selection(service=gateway, attributes={"odd": ODD}).query()) == everything
    assert found(Selection(service=f'{gateway}" || name != "').query()) == set()
    root = Condition(Intrinsic.ROOT_SERVICE, Operator.REGEX, f"gateway-{seeded.run[:6]}.*")
    assert found(spans_with(root)) == everything
    assert found(TagSearch({"service.name": billing, "name": "charge"})) == everything
    assert found(TagSearch({"service.name": billing}, longer_than=timedelta(seconds=5))) == set()


def test_found_traces_say_what_they_are(client: TempoClient, seeded: Seeded) -> None:
    found = client.search(seeded.query, seeded.window, 100)
    assert [trace.trace_id for trace in found] == seeded.trace_ids[::-1]
    newest = found[0]
    assert (newest.root_service, newest.root_name) == (seeded.service("gateway"), "GET /orders")
    assert (newest.duration_ms, newest.matched) == (100, 6)
    if newest.spans:
        assert newest.spans == {
            seeded.service(name): count for name, count in (("gateway", 2), ("orders", 3), ("billing", 1))
        }
    if client._hints:
        assert [trace.trace_id for trace in client.search(seeded.query, seeded.window, 2)] == seeded.trace_ids[:-3:-1]


def test_services_and_operations(client: TempoClient, seeded: Seeded) -> None:
    assert {seeded.service(name) for name in ("gateway", "orders", "billing")} <= set(client.services(seeded.window))
    operations = client.operations(seeded.service("orders"), seeded.window)
    assert set(operations) >= {"list orders", "grpc billing", "SELECT"}


@pytest.fixture
def frame(client: TempoClient, seeded: Seeded) -> SpanFrame:
    collected, coverage = collect_traces(client, "contract", TraceRequest(seeded.query, seeded.window))
    assert coverage.status in {CoverageStatus.OK, CoverageStatus.PARTIAL}
    assert coverage.reason in {"", "the window ended so lately that searches may not find all of its traces yet"}
    return collected


def test_all_traces_of_a_window_are_collected_whole(seeded: Seeded, frame: SpanFrame) -> None:
    assert (frame.traces, len(frame)) == (TRACES, 6 * TRACES)
    for tree in trees(frame):
        assert tree.root is not None
        assert (tree.root.name, tree.orphans, tree.skewed) == ("GET /orders", [], 0)
        own = {node.name: node.self_ns // 10**6 for node in tree.walk()}
        assert own == {
            "GET /orders": 20,
            "http orders": 20,
            "list orders": 22,
            "grpc billing": 10,
            "SELECT": 8,
            "charge": 20,
        }
        assert sum(segment.duration_ns for segment in tree.critical_path()) == 100_000_000


def test_edges_between_the_services(seeded: Seeded, frame: SpanFrame) -> None:
    edges = {(edge.client, edge.server): edge for edge in edges_of_spans(frame)}
    gateway, orders, billing = (seeded.service(name) for name in ("gateway", "orders", "billing"))
    assert {key: (edge.connection, edge.calls, edge.errors) for key, edge in edges.items()} == {
        ("user", gateway): (Connection.OUTSIDE, TRACES, 0),
        (gateway, orders): (Connection.SERVICE, TRACES, 0),
        (orders, billing): (Connection.SERVICE, TRACES, 2),
        (orders, f"pg-{seeded.run}"): (Connection.DATABASE, TRACES, 0),
    }


def test_what_is_long_ago_is_empty(client: TempoClient, seeded: Seeded) -> None:
    long_ago = Window(start=seeded.window.start - timedelta(hours=50), end=seeded.window.start - timedelta(hours=49))
    collected, coverage = collect_traces(client, "contract", TraceRequest(seeded.query, long_ago))
    assert (len(collected), coverage.status, coverage.reason) == (0, CoverageStatus.OK, "")


def test_a_query_that_is_none_is_refused(client: TempoClient, seeded: Seeded) -> None:
    with pytest.raises(QueryRefused):
        client.search(TraceQuery("{ foo"), seeded.window, 5)
    week = Window(start=seeded.window.end - timedelta(days=8), end=seeded.window.end)
    with pytest.raises(QueryRefused):
        client.search(seeded.query, week, 5)


def test_another_path_is_another_service(tempo: Source, seeded: Seeded) -> None:
    elsewhere = Endpoint.model_validate({**tempo.endpoint.model_dump(), "url": f"{tempo.endpoint.url}/nowhere"})
    with TempoClient(elsewhere, tempo.credentials) as client, pytest.raises(WrongService):
        client.search(seeded.query, seeded.window, 5)
