"""What is pushed comes back as it came back from a real Loki 3.8 that was given the same lines."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from simulator.fleet import FleetOptions, SimulatedFleet
from tests.simulator.conftest import Api, api

JSON = "application/json; charset=UTF-8"
TEXT = "text/plain; charset=utf-8"
# The recorded push, at a full minute some minutes ago.
T0 = (int(time.time()) // 60 - 3) * 60 * 10**9
START, END = T0 - 3540 * 10**9, T0 + 61 * 10**9
SM = {"app": "sm", "service_name": "sm"}
VCU = {"app": "vcu", "ns": "ran", "service_name": "vcu"}
VDU = {"app": "vdu", "detected_level": "info", "level": "info", "ns": "ran", "service_name": "vdu"}
JSON_LINE = '{"level":"error","message":"json line","n":5}'
LOGFMT_LINE = 'b0 level=error msg="x y" dur=12ms'


def at(offset_ns: int) -> str:
    return str(T0 + offset_ns)


RECORDED_PUSH = [
    {
        "stream": {"app": "vdu", "ns": "ran", "level": "info"},
        "values": [
            [at(0), "a0"],
            [at(0), "a1"],
            [at(0), "a2"],
            [at(1), "a3"],
            [at(1), "a4"],
            [at(2), "a5"],
            [at(2), "a5"],
        ],
    },
    {
        "stream": {"app": "vcu", "ns": "ran"},
        "values": [[at(0), LOGFMT_LINE], [at(1), "b1 level=warn"], [at(3), JSON_LINE]],
    },
    {
        "stream": {"app": "sm"},
        "values": [
            [at(0), "s0", {"trace_id": "abc", "pod": "p-1"}],
            [at(1), "s1", {"trace_id": "def", "pod": "p-1"}],
            [at(2), "s2"],
        ],
    },
    {
        "stream": {"app": "pat"},
        "values": [
            [at(each * 100_000_000), f'level=info ts={each} msg="request done" path=/a status=200 dur={each}ms']
            for each in range(300)
        ],
    },
]


@pytest.fixture(scope="module")
def loki() -> Iterator[Api]:
    with SimulatedFleet(FleetOptions(clusters=1, multi_tenant=("fra-01",), faults=())) as fleet:
        client = api(fleet, "fra-01", "loki")
        client.http.headers["X-Scope-OrgID"] = "recorded"
        assert pushed(client, RECORDED_PUSH).status_code == 204
        assert pushed(client, [{"stream": RECORDED_PUSH[0]["stream"], "values": [[at(0), "a0"]]}]).status_code == 204
        yield client


def pushed(loki: Api, streams: Any, **headers: str) -> httpx.Response:
    body = orjson.dumps({"streams": streams})
    headers = {"Content-Type": "application/json", **headers}
    if "Content-Encoding" in headers:
        body = gzip.compress(body)
    return loki.http.post("/loki/api/v1/push", content=body, headers=headers)


def streams(loki: Api, query: str, **parameters: Any) -> Any:
    parameters = {"start": START, "end": END, **parameters}
    answer = loki.get("/loki/api/v1/query_range", query=query, **parameters)
    assert (answer.status_code, answer.headers["content-type"]) == (200, JSON), answer.text
    data = answer.json()["data"]
    assert data["resultType"] == "streams"
    assert data["stats"]["summary"]["totalEntriesReturned"] == sum(len(each["values"]) for each in data["result"])
    return data["result"]


def values(loki: Api, query: str, **parameters: Any) -> list[tuple[int, str]]:
    """Lines as they come, with their offsets."""
    return [(int(value[0]) - T0, value[1]) for each in streams(loki, query, **parameters) for value in each["values"]]


def test_streams_come_by_labels_newest_first(loki: Api) -> None:
    assert streams(loki, '{ns="ran"}') == [
        {"stream": {**VCU, "detected_level": "error"}, "values": [[at(3), JSON_LINE], [at(0), LOGFMT_LINE]]},
        {"stream": {**VCU, "detected_level": "warn"}, "values": [[at(1), "b1 level=warn"]]},
        {
            "stream": VDU,
            "values": [[at(2), "a5"], [at(1), "a4"], [at(1), "a3"], [at(0), "a2"], [at(0), "a1"], [at(0), "a0"]],
        },
    ]
    forward = streams(loki, '{app="vdu"}', direction="forward")
    assert [value[1] for value in forward[0]["values"]] == ["a0", "a1", "a2", "a3", "a4", "a5"]


def test_structured_metadata_splits_streams(loki: Api) -> None:
    assert streams(loki, '{app="sm"}') == [
        {"stream": {**SM, "detected_level": "unknown", "pod": "p-1", "trace_id": "abc"}, "values": [[at(0), "s0"]]},
        {"stream": {**SM, "detected_level": "unknown", "pod": "p-1", "trace_id": "def"}, "values": [[at(1), "s1"]]},
        {"stream": {**SM, "detected_level": "unknown"}, "values": [[at(2), "s2"]]},
    ]


def test_categorized_labels_stand_beside_lines(loki: Api) -> None:
    loki.http.headers["X-Loki-Response-Encoding-Flags"] = "categorize-labels"
    try:
        assert streams(loki, '{app="sm"}') == [
            {
                "stream": SM,
                "values": [
                    [at(2), "s2", {"structuredMetadata": {"detected_level": "unknown"}}],
                    [
                        at(1),
                        "s1",
                        {"structuredMetadata": {"detected_level": "unknown", "pod": "p-1", "trace_id": "def"}},
                    ],
                    [
                        at(0),
                        "s0",
                        {"structuredMetadata": {"detected_level": "unknown", "pod": "p-1", "trace_id": "abc"}},
                    ],
                ],
            }
        ]
        parsed = streams(loki, '{app="vcu"} | logfmt')
        assert [value[2] for value in parsed[0]["values"]] == [
            {"structuredMetadata": {"detected_level": "error"}},
            {"structuredMetadata": {"detected_level": "warn"}, "parsed": {"level": "warn"}},
            {
                "structuredMetadata": {"detected_level": "error"},
                "parsed": {"dur": "12ms", "level": "error", "msg": "x y"},
            },
        ]
        raw = loki.get("/loki/api/v1/query_range", query='{app="sm"}', start=START, end=END).text
        assert raw.startswith(
            '{"status":"success","data":{"resultType":"streams","encodingFlags":["categorize-labels"]'
        )
    finally:
        del loki.http.headers["X-Loki-Response-Encoding-Flags"]


def test_lines_that_are_no_json_say_so(loki: Api) -> None:
    failed = {"__error__": "JSONParserErr"}
    failed["__error_details__"] = "Value looks like object, but can't find closing '}' symbol"
    assert streams(loki, '{app="vcu"} | json') == [
        {"stream": {**failed, **VCU, "detected_level": "error"}, "values": [[at(0), LOGFMT_LINE]]},
        {"stream": {**failed, **VCU, "detected_level": "warn"}, "values": [[at(1), "b1 level=warn"]]},
        {
            "stream": {**VCU, "detected_level": "error", "level": "error", "message": "json line", "n": "5"},
            "values": [[at(3), JSON_LINE]],
        },
    ]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"limit": 2}, [(2, "a5"), (1, "a4")]),
        ({"limit": 4}, [(2, "a5"), (1, "a4"), (1, "a3"), (0, "a2")]),
        ({"limit": 2, "direction": "FORWARD"}, [(0, "a0"), (0, "a1")]),
        ({"start": at(-10), "end": at(1)}, [(0, "a2"), (0, "a1"), (0, "a0")]),
        ({"start": at(-10), "end": at(2)}, [(1, "a4"), (1, "a3"), (0, "a2"), (0, "a1"), (0, "a0")]),
        ({"start": at(1), "end": at(10)}, [(2, "a5"), (1, "a4"), (1, "a3")]),
        ({"start": at(0), "end": at(0)}, []),
        ({"start": at(0), "end": at(1)}, [(0, "a2"), (0, "a1"), (0, "a0")]),
        ({"start": at(-10), "end": at(1), "limit": 2}, [(0, "a2"), (0, "a1")]),
        ({"query": '{ns="ran"}', "limit": 3}, [(3, JSON_LINE), (2, "a5"), (1, "a4")]),
        ({"query": '{ns="ran"}', "limit": 3, "direction": "forward"}, [(0, "a0"), (0, "a1"), (0, "a2")]),
    ],
)
def test_pages_are_cut_by_time(loki: Api, parameters: dict[str, Any], expected: list[tuple[int, str]]) -> None:
    assert values(loki, parameters.pop("query", '{app="vdu"}'), **parameters) == expected


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [
        (at(-10), at(10), 6),
        (str(START // 10**9), str(END // 10**9), 6),
        (str(START // 10**6), str(END // 10**6), 0),
        (str(START // 10**3), str(END // 10**3), 0),
        (f"{START // 10**9}.5", f"{END // 10**9}.25", 6),
        (
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(T0 / 1e9)),
            time.strftime("%Y-%m-%dT%H:%M:%S.000000002Z", time.gmtime(T0 / 1e9)),
            5,
        ),
    ],
)
def test_times_are_read_by_their_length(loki: Api, start: str, end: str, count: int) -> None:
    assert len(values(loki, '{app="vdu"}', start=start, end=end)) == count


def test_matrices_lie_on_whole_steps(loki: Api) -> None:
    def matrix(query: str, **parameters: Any) -> Any:
        answer = loki.http.post(
            "/loki/api/v1/query_range", data={"query": query, "start": START, "end": END, **parameters}
        )
        assert answer.json()["data"]["resultType"] == "matrix"
        return answer.json()["data"]["result"]

    second = T0 // 10**9
    assert matrix('sum by (app) (count_over_time({app=~".+"}[1m]))', step=60) == [
        {"metric": {"app": "pat"}, "values": [[second, "1"], [second + 60, "299"]]},
        {"metric": {"app": "sm"}, "values": [[second, "1"], [second + 60, "2"]]},
        {"metric": {"app": "vcu"}, "values": [[second, "1"], [second + 60, "2"]]},
        {"metric": {"app": "vdu"}, "values": [[second, "3"], [second + 60, "3"]]},
    ]
    rates = matrix('rate({app="pat"}[1m])', step="30s", start=T0 - 59 * 10**9, end=T0 + 31 * 10**9)
    assert rates == [
        {
            "metric": {"app": "pat", "detected_level": "info", "service_name": "pat"},
            "values": [[second, "0.016666666666666666"], [second + 30, "5"], [second + 60, "4.983333333333333"]],
        }
    ]
    # 600 s make points each 2 s; the last one may lie behind the end.
    fine = matrix('count_over_time({app="pat"}[1m])', start=T0 - 540 * 10**9, end=T0 + 61 * 10**9)[0]["values"]
    assert [fine[0], fine[1], fine[-1]] == [[second, "1"], [second + 2, "21"], [second + 62, "279"]]
    assert matrix("1+1", step=60, start=T0 + 1, end=T0 + 61 * 10**9) == [
        {"metric": {}, "values": [[second, "2"], [second + 60, "2"], [second + 120, "2"]]}
    ]
    # The line at the full minute is not in the range that begins there.
    size = sum(len(value[1]) for value in RECORDED_PUSH[3]["values"][1:])
    assert matrix('bytes_over_time({app="pat"}[2m])', step=60)[0]["values"][-1] == [second + 120, str(size)]


def test_instants(loki: Api) -> None:
    def instant(query: str, **parameters: Any) -> Any:
        data = loki.get("/loki/api/v1/query", query=query, time=END - 10**9, **parameters).json()["data"]
        return data["resultType"], data["result"]

    second = END // 10**9 - 1
    assert instant('sum(count_over_time({ns="ran"}[5m]))') == ("vector", [{"metric": {}, "value": [second, "9"]}])
    assert instant("1+1") == ("scalar", [second * 1000, "2"])
    assert instant('count_over_time({app="none"}[5m])') == ("vector", [])
    _, top = instant('topk(2,count_over_time({app=~".+"}[10m]))')
    assert [(each["metric"]["app"], each["value"][1]) for each in top] == [("pat", "300"), ("vdu", "6")]
    ratio = instant('sum(count_over_time({app="vcu"} |= "error"[5m])) / sum(count_over_time({app="vcu"}[5m]))')[1]
    assert float(ratio[0]["value"][1]) == pytest.approx(2 / 3)


def test_labels_and_series(loki: Api) -> None:
    def data(path: str, **parameters: Any) -> Any:
        answer = loki.get(f"/loki/api/v1/{path}", **{"start": START, "end": END, **parameters})
        assert answer.headers["content-type"] == JSON
        assert answer.json()["status"] == "success"
        return answer.json().get("data", "absent")

    assert data("labels") == data("label") == ["app", "level", "ns", "service_name"]
    assert data("labels", query='{app="sm"}') == ["app", "service_name"]
    assert data("label/app/values") == ["pat", "sm", "vcu", "vdu"]
    assert data("label/app/values", query='{ns="ran"}') == ["vcu", "vdu"]
    for empty in ("label/absent/values", "label/a-b/values"):
        assert data(empty) == "absent"
    assert data("labels", start=START - 2 * 86400 * 10**9, end=START - 86400 * 10**9) == "absent"
    assert data("series", **{"match[]": '{app="none"}'}) == []
    both = data("series", **{"match[]": ['{app="sm"}', '{app="pat"}']})
    assert sorted(each["app"] for each in both) == ["pat", "sm"]
    assert len(data("series")) == len(data("series", **{"match[]": "{}"})) == 4
    found = loki.get("/loki/api/v1/detected_labels", query='{ns="ran"}', start=START, end=END).json()
    assert {"label": "app", "cardinality": 2} in found["detectedLabels"]


def test_the_index_knows_what_was_flushed(loki: Api) -> None:
    def stats() -> Any:
        return loki.get("/loki/api/v1/index/stats", query='{app=~".+"}', start=START, end=END).json()

    assert stats() == {"streams": 0, "chunks": 0, "bytes": 0, "entries": 0}
    assert loki.http.post("/flush").status_code == 204
    assert {name: stats()[name] for name in ("streams", "entries")} == {"streams": 4, "entries": 312}
    volume = loki.get("/loki/api/v1/index/volume", query='{app=~".+"}', start=START, end=END, limit=2).json()["data"]
    assert volume["resultType"] == "vector"
    assert [each["metric"] for each in volume["result"]] == [{"app": "pat"}, {"app": "vdu"}]
    assert int(volume["result"][0]["value"][1]) > int(volume["result"][1]["value"][1])
    ranges = loki.get("/loki/api/v1/index/volume_range", query='{ns="ran"}', step=60, start=START, end=END).json()
    assert ranges["data"]["result"][0]["metric"] == {"ns": "ran"}


@pytest.mark.parametrize(
    ("stream", "values", "text"),
    [
        (
            {"a-b": "x"},
            [[at(0), "x"]],
            "couldn't parse labels: 1:3: parse error: unexpected character inside braces: '-'",
        ),
        ({f"l{each}": "x" for each in range(16)}, [[at(0), "x"]], "has 16 label names; limit 15"),
        (
            {"app": "old"},
            [["1700000000000000000", "x"]],
            "has timestamp too old: 2023-11-14T22:13:20Z, oldest acceptable",
        ),
        ({"app": "n"}, [[str(T0 // 10**6), "x"]], "has timestamp too old: 1970-01-"),
        (
            {"app": "fut"},
            [["4700000000000000000", "x"]],
            'entry for stream \'{app="fut", service_name="fut"}\' has timestamp too new',
        ),
        ({"app": "long"}, [[at(0), "x" * 300_000]], "max entry size '262144' bytes exceeded for stream"),
        ({"app": "n"}, [[T0, "x"]], "Value looks like Number/Boolean/None"),
        ({"app": "n"}, [[at(0), 5]], "Value is string, but can't find closing"),
        ({"app": "n"}, [[at(0), "x", {"a": {"b": 1}}]], "Value is string, but can't find closing"),
    ],
)
def test_pushes_are_refused_in_the_recorded_words(loki: Api, stream: Any, values: Any, text: str) -> None:
    answer = pushed(loki, [{"stream": stream, "values": values}])
    assert (answer.status_code, answer.headers["content-type"]) == (400, TEXT)
    assert text in answer.text
    assert answer.text.endswith("\n")


def test_what_else_happens_to_pushes(loki: Api) -> None:
    none = pushed(loki, [])
    assert (none.status_code, none.text) == (422, "error at least one valid stream is required for ingestion\n")
    assert loki.get("/loki/api/v1/push").status_code == 405
    for content_type, body, text in (
        ("application/json", b"", "EOF\n"),
        ("text/plain", b"{}", "snappy: corrupt input\n"),
        ("application/x-protobuf", b"zzz", "snappy: corrupt input\n"),
    ):
        answer = loki.http.post("/loki/api/v1/push", content=body, headers={"Content-Type": content_type})
        assert (answer.status_code, answer.text) == (400, text)
    # The good stream of a bad push is kept; an empty label set is a stream.
    good, bad = {"app": "good"}, {"app": "bad"}
    mixed = [{"stream": good, "values": [[at(0), "x"]]}, {"stream": bad, "values": [["1700000000000000000", "x"]]}]
    assert pushed(loki, mixed).status_code == 400
    assert values(loki, '{app="good"}') == [(0, "x")]
    assert pushed(loki, [{"stream": {}, "values": [[at(0), "x"]]}]).status_code == 204
    assert values(loki, '{service_name="unknown_service"}') == [(0, "x")]
    zipped = [{"stream": {"app": "zip"}, "values": [[at(0), "x"]]}]
    assert pushed(loki, zipped, **{"Content-Encoding": "gzip"}).status_code == 204
    assert values(loki, '{app="zip"}') == [(0, "x")]


def test_large_answers_are_packed_where_the_client_takes_it(loki: Api) -> None:
    def encoding(accepted: str, limit: int) -> str | None:
        loki.http.headers["Accept-Encoding"] = accepted
        answer = loki.get("/loki/api/v1/query_range", query='{app="pat"}', start=START, end=END, limit=limit)
        assert answer.json()["status"] == "success"
        return answer.headers.get("content-encoding")

    assert (encoding("gzip", 200), encoding("identity", 200)) == ("gzip", None)


def test_tenants_are_apart() -> None:
    with SimulatedFleet(FleetOptions(clusters=2, multi_tenant=("fra-01", "dub-01"), faults=())) as fleet:
        loki = api(fleet, "fra-01", "loki")
        window = {"query": '{a="b"}', "start": START, "end": END}
        for path in ("labels", "query_range", "index/stats", "tail"):
            answer = loki.get(f"/loki/api/v1/{path}", **window)
            assert (answer.status_code, answer.text) == (401, "no org id\n")
        assert pushed(loki, [{"stream": {"a": "b"}, "values": [[at(0), "x"]]}]).status_code == 401
        assert loki.get("/loki/api/v1/status/buildinfo").status_code == 200

        def asked(tenant: str, path: str = "query_range", **parameters: Any) -> httpx.Response:
            return loki.http.get(f"/loki/api/v1/{path}", params=window | parameters, headers={"X-Scope-OrgID": tenant})

        bad = asked("a b/c")
        assert (bad.status_code, bad.text) == (400, "tenant ID 'a b/c' contains unsupported character ' '")
        assert (asked("t1|t2").status_code, asked("t1|t2").text) == (500, "multiple org IDs present")
        assert pushed(loki, [{"stream": {"a": "b"}, "values": [[at(0), "x"]]}], **{"X-Scope-OrgID": "t1"}).is_success
        assert len(asked("t1").json()["data"]["result"]) == 1
        assert asked("t2").json()["data"]["result"] == []
        kinds = {
            tenant: asked(tenant, "label/log_type/values", query="").json().get("data")
            for tenant in ("application", "infrastructure", "audit", "t1")
        }
        assert kinds == {
            "application": ["application"],
            "infrastructure": ["infrastructure"],
            "audit": ["audit"],
            "t1": None,
        }
        loki = api(fleet, "dub-01", "loki")
        assert "shop" in asked("platform", "label/namespace/values", query="").json()["data"]
