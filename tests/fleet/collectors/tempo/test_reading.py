"""Traces in protobuf and JSON, read span by span and by compiled loops, with one result."""

from __future__ import annotations

import contextlib
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.collectors.tempo.columns import LARGE_BYTES, compiled_frame, frame_of_traces
from fleet.collectors.tempo.json_spans import decode_trace
from fleet.collectors.tempo.rows import frame_of_rows
from fleet.collectors.tempo.wire import MalformedTrace, read_response, read_trace
from fleet.errors import AnswerTruncated, WrongService
from tests.fleet.collectors.tempo.otlp import (
    attribute,
    double,
    fixed,
    held,
    number,
    resource,
    response,
    span,
    trace,
    varint,
)

# The first bytes of what a Tempo 3.1 answered to a trace of three services, as recorded.
RECORDED_SPAN = bytes.fromhex(
    "0a1000000000000000000123456789abcdef12080a000000000000012a11504f5354202f75652d636f6e7465787473300239c7fded264810ea18"
    "4147f697594810ea184a080a026f6b120210014a120a05726174696f120921000000000000d03f4a130a046c697374120b2a090a030a01610a02"
    "18024a120a026b76120c320a0a080a017812030a01794a0e0a05627974657312053a030001024a1d0a13687474702e726571756573742e6d6574"
    "686f6412060a04504f53544a200a19687474702e726573706f6e73652e7374617475735f636f6465120318c9017a00"
)
RECORDED_RESOURCE = bytes.fromhex(
    "0a1c0a126b38732e6e616d6573706163652e6e616d6512060a04636f72650a150a0c736572766963652e6e616d6512050a03616d66"
)
RECORDED = held(
    1, held(1, RECORDED_RESOURCE) + held(2, held(1, held(1, "manual") + held(2, "1")) + held(2, RECORDED_SPAN))
)
RECORDED_ROW = {
    "trace_id": "00000000000000000123456789abcdef",
    "span_id": "0a00000000000001",
    "parent_id": None,
    "start_ns": 1795265303537384903,
    "duration_ns": 850_000_000,
    "service": "amf",
    "name": "POST /ue-contexts",
    "kind": "server",
    "status": "unset",
    "status_message": None,
    "attributes": '{"ok":true,"ratio":0.25,"list":["a",2],"kv":{"x":"y"},"bytes":"AAEC",'
    '"http.request.method":"POST","http.response.status_code":201}',
    "resource": '{"k8s.namespace.name":"core","service.name":"amf"}',
    "events": None,
}


def plain(message: bytes) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = frame_of_rows(list(read_trace(message))).table.to_pylist()
    return rows


def compiled(message: bytes) -> list[dict[str, Any]] | None:
    frame = compiled_frame(message)
    return None if frame is None else frame.table.to_pylist()


def test_recorded_bytes() -> None:
    assert plain(RECORDED) == compiled(RECORDED) == [RECORDED_ROW]


def test_the_recorded_json_says_the_same() -> None:
    attributes = [
        {"key": "ok", "value": {"boolValue": True}},
        {"key": "ratio", "value": {"doubleValue": 0.25}},
        {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": "2"}]}}},
        {"key": "kv", "value": {"kvlistValue": {"values": [{"key": "x", "value": {"stringValue": "y"}}]}}},
        {"key": "bytes", "value": {"bytesValue": "AAEC"}},
        {"key": "http.request.method", "value": {"stringValue": "POST"}},
        {"key": "http.response.status_code", "value": {"intValue": "201"}},
    ]
    one = {
        "traceId": "AAAAAAAAAAABI0VniavN7w==",
        "spanId": "CgAAAAAAAAE=",
        "name": "POST /ue-contexts",
        "kind": "SPAN_KIND_SERVER",
        "startTimeUnixNano": "1795265303537384903",
        "endTimeUnixNano": "1795265304387384903",
        "attributes": attributes,
        "status": {},
    }
    names = (("k8s.namespace.name", "core"), ("service.name", "amf"))
    whose = {"attributes": [{"key": key, "value": {"stringValue": value}} for key, value in names]}
    batch = {"resource": whose, "scopeSpans": [{"scope": {"name": "manual", "version": "1"}, "spans": [one]}]}
    hexadecimal = {**one, "traceId": "00000000000000000123456789abcdef", "spanId": "0a00000000000001"}
    older = {"resource": whose, "instrumentationLibrarySpans": [{"spans": [hexadecimal]}]}
    for body in (
        {"batches": [batch]},
        {"trace": {"resourceSpans": [batch]}, "metrics": {}},
        {"resourceSpans": [older]},
    ):
        rows, incomplete = decode_trace(bytearray(json.dumps(body).encode()), "http://t")
        assert frame_of_rows(rows).table.to_pylist() == [RECORDED_ROW]
        assert incomplete == ""


def test_a_trace_that_is_not_whole_says_so() -> None:
    found = read_response(response(RECORDED, partial="too large"))
    assert (found.trace, found.incomplete) == (RECORDED, "too large")
    assert read_response(response(RECORDED)).incomplete == ""
    # A trace that is not there, as recorded.
    assert read_response(b"\x0a\x00\x12\x00").trace == b""
    body = bytearray(b'{"trace":{},"metrics":{},"status":"PARTIAL","message":"too large"}')
    assert decode_trace(body, "http://t") == ([], "too large")


def test_status_and_events() -> None:
    event = fixed(1, 7) + held(2, "exception") + attribute(3, "exception.message", held(1, "no route"))
    message = trace(
        span(b"\x01" * 8, more=held(15, held(2, "no ü") + number(3, 2)) + held(11, event)),
        span(b"\x02" * 8, b"\x01" * 8, more=held(15, number(3, 1))),
        span(b"\x03" * 8, b"\0" * 8),
    )
    rows = plain(message)
    assert rows == compiled(message)
    assert [(row["status"], row["status_message"]) for row in rows] == [
        ("error", "no ü"),
        ("ok", None),
        ("unset", None),
    ]
    assert json.loads(rows[0]["events"]) == [
        {"name": "exception", "time_ns": 7, "attributes": {"exception.message": "no route"}}
    ]
    assert [row["parent_id"] for row in rows] == [None, "01" * 8, None]


@pytest.mark.parametrize(
    "value",
    [
        held(1, 'a "quoted" \\ line\nand\ttab \x01\x08\x0c\r ü 漢 🙂'),
        held(1, ""),
        number(3, 0),
        number(3, -1),
        number(3, -(1 << 63)),
        number(3, (1 << 63) - 1),
        number(2, 0),
        number(2, 1),
        double(4, 1e300),
        double(4, float("nan")),
        held(5, held(1, held(1, "a")) + held(1, double(4, 0.5))),
        held(6, attribute(1, "k", held(5, held(1, number(3, 5))))),
        held(7, b"\x00\xff"),
        b"",
        held(9, "a kind that is not known yet"),
    ],
)
def test_values_of_every_kind(value: bytes) -> None:
    message = trace(span(more=attribute(9, "first", held(1, "x")) + attribute(9, "k\n", value)))
    message += trace(span(), of=resource(more=attribute(1, "odd", value)))
    rows = plain(message)
    assert rows == compiled(message)
    assert list(json.loads(rows[0]["attributes"])) == ["first", "k\n"]
    assert json.loads(rows[1]["resource"])["odd"] == json.loads(rows[0]["attributes"])["k\n"]


def test_what_is_odd_but_no_fault() -> None:
    later = span(b"\x02" * 8, times=(9, 5), more=fixed(99, 3) + number(16, 1) + varint(17 << 3 | 5) + b"abcd")
    # Numbers of fields that are none: they would count from the other end, if numbers of 64 bits had a sign.
    later += b"".join(varint((1 << 64) - 8 * back | 2) + held(0, number(3, 2))[1:] for back in (1, 2, 3, 16, 1 << 59))
    message = trace(later, span(b"\x01" * 6, trace_id=b"\x01" * 10, times=(3, 1 << 63), kind=77), of=resource(None))
    message += held(1, b"") + held(2, b"unknown") + held(1, held(2, b""))
    rows = plain(message)
    assert rows == compiled(message)
    by_id = {row["span_id"]: row for row in rows}
    assert by_id["02" * 8]["duration_ns"] == 0
    assert (by_id["0000" + "01" * 6]["kind"], by_id["0000" + "01" * 6]["service"]) == ("unspecified", "")
    assert by_id["0000" + "01" * 6]["trace_id"] == "00" * 6 + "01" * 10


def test_text_that_is_no_utf_8_is_shown_as_far_as_it_goes() -> None:
    message = trace(held(1, b"\x01" * 16) + held(2, b"\x02" * 8) + held(5, b"caf\xe9"))
    assert compiled(message) is None
    assert plain(message)[0]["name"] == "caf\ufffd"
    many = message * (LARGE_BYTES // len(message) + 1)
    assert frame_of_traces([many]).distinct("name") == ["caf\ufffd"]


def test_spans_of_a_trace_stand_together_in_order_of_time() -> None:
    one, two = b"\x01" * 16, b"\x02" * 16
    messages = [
        trace(span(b"\x01" * 8, trace_id=one, times=(30, 40)), span(b"\x02" * 8, trace_id=two, times=(10, 20))),
        trace(span(b"\x03" * 8, trace_id=one, times=(20, 40)), span(b"\x04" * 8, trace_id=two, times=(5, 20))),
    ]
    frame = compiled_frame(b"".join(messages))
    assert frame is not None
    for each in (frame, frame_of_traces(messages)):
        assert [span_id[:2] for span_id in each.texts("span_id")] == ["03", "01", "04", "02"]
        assert each.traces == 2


@pytest.mark.parametrize(
    "message",
    [
        RECORDED[:-1],
        RECORDED[:1],
        b"\xff" * 20,
        b"\x0b",
        held(1, held(2, held(2, held(1, b"\x01" * 17)))),
        held(1, held(2, held(2, held(2, b"\x01" * 9)))),
        held(1, held(2, held(2, attribute(9, "a", b"\x0a\xff")))),
        held(1, held(1, attribute(1, "a", b"\x0a\xff")) + held(2, held(2, b""))),
        held(1, number(2, 5)),
        number(1, 5),
        varint(1 << 3 | 2) + b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    ],
)
def test_bytes_that_are_no_trace(message: bytes) -> None:
    assert compiled(message) is None
    with pytest.raises(MalformedTrace):
        plain(message)


def test_values_that_are_too_deep() -> None:
    value = held(1, "x")
    for _ in range(100):
        value = held(5, held(1, value))
    with pytest.raises(MalformedTrace, match="deep"):
        plain(trace(span(more=attribute(9, "a", value))))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"batches":[{"scopeSpans":[{"spans":[{"traceId":"!!","spanId":"CgAAAAAAAAE="}]}]}]}', WrongService),
        (b'{"batches":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"x"}]}]}]}', WrongService),
        (b'{"batches":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"-9223372036854775809"}]}]}]}', WrongService),
        (b'{"batches":[{"scopeSpans":[{"spans":[{"endTimeUnixNano":"18446744073709551616"}]}]}]}', WrongService),
        (b'{"batches":[{"resource":{"attributes":[{"key":"a","value":{"arrayValue":3}}]}}]}', WrongService),
        (b'{"batches":5}', WrongService),
        (b'{"batches":[{"scope', AnswerTruncated),
    ],
)
def test_json_that_is_no_trace(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        decode_trace(bytearray(body), "http://t")


@given(st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_loops_and_rows_agree_on_anything(seed: int) -> None:
    draws = random.Random(seed)  # noqa: S311
    message = bytearray(b"".join(_drawn(draws) for _ in range(draws.randint(1, 3))))
    for _ in range(draws.choice([0, 0, 1, 3])):
        message[draws.randrange(len(message))] = draws.randrange(256)
    found = compiled(bytes(message))
    # Either may refuse what is malformed in a place that the other does not look at.
    with contextlib.suppress(MalformedTrace):
        assert found is None or _read(found) == _read(plain(bytes(message)))


def _read(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with their JSON read: of a key that stands twice the last one counts."""
    return [
        {**row, "attributes": json.loads(row["attributes"]), "resource": json.loads(row["resource"])} for row in rows
    ]


def _drawn(draws: random.Random) -> bytes:
    values = [
        held(1, draws.choice(["", "a", 'ü"\n'])),
        number(3, draws.getrandbits(64)),
        number(2, 1),
        double(4, 2.5),
        b"",
    ]
    more = b"".join(attribute(9, f"k{at}", draws.choice(values)) for at in range(draws.randint(0, 4)))
    spans = [
        span(draws.randbytes(8), draws.choice([b"", draws.randbytes(8)]), draws.randbytes(16), more=more, kind=at)
        for at in range(draws.randint(0, 3))
    ]
    return trace(*spans, of=resource(draws.choice([None, "cart", ""])))


def test_the_larger_way_is_taken_for_much() -> None:
    message = trace(span(more=attribute(9, "a", held(1, "b" * 200))))
    many = [message] * (LARGE_BYTES // len(message) + 1)
    frame = frame_of_traces(many)
    assert len(frame) == len(many)
    assert frame.table.slice(0, 1).to_pylist() == plain(message)
