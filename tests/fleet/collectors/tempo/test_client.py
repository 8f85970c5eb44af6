from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from fleet.collectors.tempo import TempoClient
from fleet.collectors.tempo.answers import decode_search
from fleet.collectors.tempo.traceql import Attribute, Scope, TagSearch, TraceQuery
from fleet.errors import QueryRefused, ServerFailed, UsageError, WrongService
from fleet.frames.window import Window
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.prometheus.byte_server import ByteServer, Reply, Request, reply
from tests.fleet.collectors.tempo.fake import PLAIN, PROTOBUF, FakeTempo
from tests.fleet.collectors.tempo.otlp import response

START = datetime(2026, 2, 1, tzinfo=UTC)
HOUR = Window(start=START, end=START + timedelta(hours=1))
AT_NS = int(START.timestamp()) * 10**9 + 5
FOUND = {
    "traceID": "123456789abcdef",
    "rootServiceName": "<root span not yet received>",
    "startTimeUnixNano": "1795265303537384903",
    "durationMs": 850,
    "spanSet": {"spans": [], "matched": 2},
    "spanSets": [{"spans": [], "matched": 2}, {"spans": [], "matched": 3}],
    "serviceStats": {"amf": {"spanCount": 2}, "smf": {"spanCount": 2, "errorCount": 1}},
}
EVERYTHING = TraceQuery("{}")


def client_of(server: ByteServer, path: str = "") -> TempoClient:
    return TempoClient(Endpoint(url=f"{server.url}{path}"))


def test_a_found_trace() -> None:
    [found] = decode_search(bytearray(json.dumps({"traces": [FOUND], "metrics": {}}).encode()), "http://t")
    assert found.trace_id == "00000000000000000123456789abcdef"
    assert (found.root_service, found.root_name, found.matched) == ("", "", 5)
    assert (found.spans, found.errors) == ({"amf": 2, "smf": 2}, {"smf": 1})
    for body in (b"{}", b'{"traces":[{"traceID":"xyz"}]}', b'{"traces":[{"traceID":"1","startTimeUnixNano":"x"}]}'):
        with pytest.raises(WrongService):
            decode_search(bytearray(body), "http://t")


def test_the_hint_is_tried_once_and_remembered() -> None:
    def old(path: str, form: dict[str, str], request: Request) -> Reply | None:
        return reply("invalid TraceQL query: parse error", 400, PLAIN) if "most_recent" in form.get("q", "") else None

    for special, expected in ((old, ["with", "", ""]), (lambda *_: None, ["with", "with"])):
        tempo = FakeTempo([AT_NS], special)
        with ByteServer(tempo) as server, client_of(server) as client:
            for _ in range(2):
                assert len(client.search(EVERYTHING, HOUR, 5)) == 1
        assert ["with" if "with" in form["q"] else "" for form in tempo.forms] == expected


def test_a_query_that_is_wrong_either_way_is_refused_either_way() -> None:
    with (
        ByteServer(lambda request, number: reply("invalid TraceQL query: no", 400, PLAIN)) as server,
        client_of(server) as client,
    ):
        with pytest.raises(QueryRefused, match="no"):
            client.search(TraceQuery("{ x"), HOUR, 5)
        assert len(server.requests) == 2


def test_windows_go_as_whole_seconds_around_them() -> None:
    tempo = FakeTempo([])
    window = Window(start=START + timedelta(seconds=0.5), end=START + timedelta(seconds=9.2))
    with ByteServer(tempo) as server, client_of(server) as client:
        client.search(TagSearch({"service.name": "cart"}), window, 7)
    seconds = int(START.timestamp())
    assert tempo.forms == [{"tags": "service.name=cart", "start": str(seconds), "end": str(seconds + 10), "limit": "7"}]


def test_a_gateways_tenant_is_asked_below_its_own_path() -> None:
    tempo = FakeTempo([AT_NS])
    with ByteServer(tempo) as server, client_of(server, "/api/traces/v1/dev") as client:
        [found] = client.search(EVERYTHING, HOUR, 5)
        assert len(client.trace(found.trace_id)) == 1
    assert all(path.startswith("/api/traces/v1/dev/tempo/api/") for path in tempo.paths)


def test_protobuf_is_asked_for_first() -> None:
    tempo = FakeTempo([AT_NS])
    with ByteServer(tempo) as server, client_of(server) as client:
        frame = client.trace("1")
        assert frame.texts("trace_id") == ["1".rjust(32, "0")]
        assert f"Accept: {PROTOBUF}\r\n" in server.requests[0].head + "\r\n"
        assert tempo.paths == [f"/api/v2/traces/{'1'.rjust(32, '0')}"]
        with pytest.raises(UsageError):
            client.trace("xyz")


JSON_TRACE = json.dumps(
    {"batches": [{"scopeSpans": [{"spans": [{"traceId": "01" * 16, "spanId": "0a" * 8, "name": "x"}]}]}]}
)


def test_a_server_of_the_first_version_alone() -> None:
    def first(path: str, form: dict[str, str], request: Request) -> Reply | None:
        if "/v2/" in path:
            return reply("404 page not found", 404, PLAIN)
        return reply(JSON_TRACE) if path.endswith("01" * 16) else reply("", 404, "")

    tempo = FakeTempo([], first)
    with ByteServer(tempo) as server, client_of(server) as client:
        assert len(client.trace("05" * 16)) == 0
        assert client.trace("01" * 16).texts("name") == ["x"]
        assert len(client.trace("05" * 16)) == 0
    versions = ["2" if "/v2/" in path else "1" for path in tempo.paths]
    assert versions == ["2", "1", "2", "1", "1"]


@pytest.mark.parametrize(
    "refusal", [reply("not acceptable", 406, PLAIN), reply("no", 400, PLAIN), reply(b"\xff\xff\xff", 200, PROTOBUF)]
)
def test_a_server_without_protobuf(refusal: bytes) -> None:
    def special(path: str, form: dict[str, str], request: Request) -> Reply | None:
        return refusal if PROTOBUF in request.head else reply(JSON_TRACE)

    tempo = FakeTempo([], special)
    with ByteServer(tempo) as server, client_of(server) as client:
        for _ in range(2):
            assert len(client.trace("01" * 16)) == 1
        assert len(server.requests) == 3


def test_what_is_wrong_with_both_forms_is_told_and_not_remembered() -> None:
    down = reply("boom", 500, PLAIN)
    with ByteServer(lambda request, number: down) as server, client_of(server) as client, pytest.raises(ServerFailed):
        client.trace("1")


def test_a_trace_that_is_not_there() -> None:
    empty = reply(b"\x0a\x00\x12\x00", 200, PROTOBUF)
    with ByteServer(lambda request, number: empty) as server, client_of(server) as client:
        assert len(client.trace("1")) == 0
    partial = reply(response(b"", partial="gone"), 200, PROTOBUF)
    with ByteServer(lambda request, number: partial) as server, client_of(server) as client:
        assert client.fetch("1".rjust(32, "0")).incomplete == "gone"


def test_values_by_the_second_version_or_the_first() -> None:
    def values(path: str, form: dict[str, str], request: Request) -> Reply | None:
        if path == "/api/v2/search/tag/resource.service.name/values":
            return reply('{"tagValues":[{"type":"string","value":"b"},{"type":"string","value":"a"}],"metrics":{}}')
        if path == "/api/v2/search/tag/name/values":
            assert form["q"] == '{ resource.service.name = "a" }'
            return reply('{"tagValues":[],"metrics":{}}')
        return reply('{"tagValues":["y","x"]}') if path == "/api/search/tag/odd%20one/values" else None

    tempo = FakeTempo([], values)
    with ByteServer(tempo) as server, client_of(server) as client:
        assert client.services(HOUR) == ["a", "b"]
        assert client.operations("a", HOUR) == []
        assert client.values(Attribute("odd one", Scope.SPAN), HOUR) == ["x", "y"]
        assert parse_qs(urlsplit(server.requests[0].target).query)["start"] == [str(int(START.timestamp()))]
