"""Answers of log queries as frames: those recorded from a real Loki 3.8, and all that JSON allows."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.collectors.loki.compact import compact_lines
from fleet.collectors.loki.lines import decode_lines
from fleet.errors import AnswerTruncated, WrongService
from fleet.frames.log_frame import LogFrame

URL = "https://loki.test"
STATS = {"summary": {"bytesProcessedPerSecond": 33546, "execTime": 0.005217, "totalEntriesReturned": 9}}
# Recorded: two streams, the newest lines first; the cut statistics are filled up.
RECORDED = (
    rb'{"status":"success","data":{"resultType":"streams","result":[{"stream":{"app":"vcu","detected_level"'
    rb':"error","ns":"ran","service_name":"vcu"},"values":[["1795265641000000003","{\"level\":\"error\",\"m'
    rb'essage\":\"json line\",\"n\":5}"],["1795265641000000000","b0 level=error msg=\"x y\" dur=12ms"]]},{"'
    rb'stream":{"app":"vdu","detected_level":"info","level":"info","ns":"ran","service_name":"vdu"},"values'
    rb'":[["1795265641000000002","a5"],["1795265641000000001","a4"],["1795265641000000001","a3"],["17952656'
    rb'41000000000","a2"],["1795265641000000000","a1"],["1795265641000000000","a0"]]}],"stats":{"summary":{'
    rb'"bytesProcessedPerSecond":33546,"execTime":0.005217}}}}'
)
CATEGORIZED = (
    b'{"status":"success","data":{"resultType":"streams","encodingFlags":["categorize-labels"],"result":[{"stream":{"app"'
    b':"sm","service_name":"sm"},"values":[["1795265641000000002","s2",{"structuredMetadata":{"detected_level":"unknown"}}'
    b'],["1795265641000000000","s0",{"structuredMetadata":{"detected_level":"unknown","trace_id":"abc"}}]]}],"stats":{}}}'
)


def body_of(streams: list[tuple[dict[str, str], list[list[Any]]]], **more: Any) -> bytearray:
    """An answer as Loki writes it: compact, its statistics behind the lines."""
    result = [{"stream": labels, "values": values} for labels, values in streams]
    data = {"resultType": "streams", "result": result, "stats": STATS}
    document = {"status": "success", "data": data, **more}
    return bytearray(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode())


def rows_of(frame: LogFrame) -> list[tuple[int, str, str]]:
    return [(int(at), frame.labels(row)["app"], frame.line(row)) for row, at in enumerate(frame.timestamps_ns)]


def test_what_a_real_server_sent() -> None:
    page = decode_lines(RECORDED, URL, backward=True)
    first = 1_795_265_641_000_000_000
    assert [(at - first, app, line) for at, app, line in rows_of(page.frame)] == [
        (0, "vdu", "a0"),
        (0, "vdu", "a1"),
        (0, "vdu", "a2"),
        (0, "vcu", 'b0 level=error msg="x y" dur=12ms'),
        (1, "vdu", "a3"),
        (1, "vdu", "a4"),
        (2, "vdu", "a5"),
        (3, "vcu", '{"level":"error","message":"json line","n":5}'),
    ]
    assert page.frame.labels(0) == {
        "app": "vdu",
        "detected_level": "info",
        "level": "info",
        "ns": "ran",
        "service_name": "vdu",
    }
    assert page.frame.metadata is None
    categorized = decode_lines(CATEGORIZED, URL, backward=True).frame
    assert [line for _, _, line in rows_of(categorized)] == ["s0", "s2"]
    assert json.loads(categorized.metadata[0].as_py())["structuredMetadata"]["trace_id"] == "abc"


# What JSON writes without an escape, with one, and what is next to both.
texts = st.text(st.sampled_from('ab []{},:é☃"\\\n\t<'), max_size=12) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=8
)
plain_texts = st.text(st.sampled_from("ab []{},:é☃<"), max_size=12)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c"]),
            st.lists(st.tuples(st.integers(1_000_000_000_000_000_000, 1_000_000_000_000_000_005), texts), max_size=5),
        ),
        max_size=4,
    ),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_every_line_comes_out_in_order(
    streams: list[tuple[str, list[tuple[int, str]]]], backward: bool, compact: bool, padded: bool
) -> None:
    if compact:
        streams = [(app, [(at, line.translate({34: None, 92: None, 10: None, 9: None})) for at, line in lines])
                   for app, lines in streams]  # fmt: skip
    entries: list[tuple[dict[str, str], list[list[Any]]]] = []
    expected = []
    if padded:
        streams = [(app, [(at, f"{line}{'. ' * 300}{line}") for at, line in lines]) for app, lines in streams]
    for app, lines in streams:
        ordered = sorted(lines, key=lambda each: each[0])
        expected += [(at, app, line) for at, line in ordered]
        entries.append(({"app": app}, [[str(at), line] for at, line in (ordered[::-1] if backward else ordered)]))
    got = rows_of(decode_lines(body_of(entries), URL, backward=backward).frame)
    assert sorted(got) == sorted(expected)
    assert [at for at, _, _ in got] == sorted(at for at, _, _ in expected)
    for app in {app for app, _ in streams}:
        of_one = [each for each in streams if each[0] == app]
        if len(of_one) == 1:
            assert [each for each in got if each[1] == app] == [each for each in expected if each[1] == app]


def test_the_fast_way_takes_what_loki_writes_and_nothing_else() -> None:
    at = "1795265641000000003"
    texts = ["x ],[", "", 'say "hi"]', '"', "\\", '\\"', "\n\t\r\b\f/", "\x1b[31m" + "long enough " * 60, '"],["', "é"]
    taken = body_of([({"app": "a"}, [[at, text] for text in texts]), ({"app": "b"}, [[at, "x"]])], warnings=["cut"])
    assert compact_lines(taken) is not None
    page = decode_lines(taken, URL)
    assert page.frame.lines.to_pylist() == [*texts, "x"]
    assert page.warnings == ["cut"]
    others = [
        body_of([({"app": "a"}, [[at, "☃" + '"' * 90]])]),
        bytearray(body_of([({"app": "a"}, [[at, "x" * 500]])]).replace(b"xxx", b"\\u2603", 1)),
        bytearray(body_of([({"app": "a"}, [[at, "x" * 500]])]).replace(b"xxx", b"\\u00zz", 1)),
        body_of([({"app": 'a"b'}, [[at, "x" * 500]])]),
        bytearray(body_of([({"app": "a"}, [[at, "x" * 500]])]).replace(b'x"]', b'x","y"]')),
        body_of([({"app": "a"}, [["179526564100000000", "x"]])]),
        body_of([({"app": "a"}, [[at, "x", {"structuredMetadata": {}}]])]),
        body_of([({"app": "a"}, [[at, "x"]]), ({"app": "b"}, [])]),
        body_of([({"app": "a"}, [])]),
        body_of([]),
        bytearray(body_of([({"app": "a"}, [[at, "x"]])]).replace(b'","x', b'", "x')),
        bytearray(body_of([({"app": "a"}, [[at, "x"], [at, "y"]])]).replace(b"],[", b"] ,[")),
        bytearray(body_of([({"app": "a"}, [[at, "x"], [at, "y"]])]).replace(b"],[", b"]0[")),
        bytearray(body_of([({"app": "a"}, [[at, "x"]])]).replace(b'"data":{', b'"data":[')),
    ]
    for body in others:
        assert compact_lines(body) is None, body
        with contextlib.suppress(WrongService):
            decode_lines(body, URL)


def test_a_byte_that_is_no_text_takes_no_line_away() -> None:
    body = body_of([({"app": "a"}, [["1795265641000000003", "bad XX byte"], ["1795265641000000004", "good"]])])
    page = decode_lines(bytearray(body.replace(b"XX", b"\xff\xfe")), URL)
    assert [line for _, _, line in rows_of(page.frame)] == ["bad �� byte", "good"]


AT = "1795265641000000003"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>sign in</html>",
        b"[]",
        b'"text"',
        b'{"status":"success","data":{"resultType":"matrix","result":[]}}',
        b'{"status":"success"}',
        b'{"status":"error","data":{"resultType":"streams","result":[]}}',
        body_of([({"app": "a"}, [["soon", "x"]])]),
        body_of([({"app": "a"}, [[AT]])]),
        body_of([({"app": "a"}, [[AT, 5]])]),
        body_of([({"app": "a"}, [["99999999999999999999", "x"]])]),
        bytearray(body_of([({"app": "a"}, [[AT, "x"]])]).replace(b'"app":"a"', b'"app":5')),
    ],
)
def test_other_answers_are_of_another_service(body: bytes | bytearray) -> None:
    with pytest.raises(WrongService):
        decode_lines(body, URL)


def test_a_cut_answer_is_never_a_short_one() -> None:
    for line in ("plain", 'with "quotes"'):
        whole = body_of([({"app": "a"}, [[AT, line]] * 3), ({"app": "b"}, [[AT, line]])])
        for length in range(1, len(whole)):
            with pytest.raises((AnswerTruncated, WrongService)):
                decode_lines(whole[:length], URL)
