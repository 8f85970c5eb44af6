"""Searches are answered as Tempo 3.1 was recorded to answer them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.conftest import Api
from tests.simulator.tempo.conftest import END, HOUR, found

TEXT = "text/plain; charset=utf-8"


def test_a_found_trace_has_the_recorded_form(tempo: Api) -> None:
    [trace] = found(tempo, q='{ resource.service.name = "cart" && status = unset && kind = server }', limit=1)
    assert set(trace) == {
        "traceID",
        "rootServiceName",
        "rootTraceName",
        "startTimeUnixNano",
        "durationMs",
        "spanSet",
        "spanSets",
        "serviceStats",
    }
    assert trace["spanSets"] == [trace["spanSet"]]
    assert trace["rootTraceName"] == "GET /cart"
    assert trace["serviceStats"]["cart"]["spanCount"] >= 2
    [span] = trace["spanSet"]["spans"]
    assert span["attributes"] == [
        {"key": "service.name", "value": {"stringValue": "cart"}},
        {"key": "status", "value": {"stringValue": "unset"}},
        {"key": "kind", "value": {"stringValue": "server"}},
    ]
    assert int(span["durationNanos"]) > 0
    assert len(span["spanID"]) == 16


def test_the_newest_come_first_and_ids_lack_their_zeros(tempo: Api) -> None:
    traces = found(tempo, q="{}", limit=600)
    starts = [int(trace["startTimeUnixNano"]) for trace in traces]
    assert starts == sorted(starts, reverse=True)
    assert len(found(tempo, q="{}")) == 20
    assert any(len(trace["traceID"]) < 32 for trace in traces)
    assert not any(trace["traceID"].startswith("0") for trace in traces)
    hinted = found(tempo, q="{} with (most_recent=true)", limit=3)
    assert [trace["traceID"] for trace in hinted] == [trace["traceID"] for trace in traces[:3]]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ('{ name = "GET /cart" && duration > 1us }', {"GET /cart"}),
        ('{ rootName = "GET /cart" || rootName = `GET /checkout` }', {"GET /cart", "GET /checkout"}),
        ('{ .http.route =~ "/c[aeh].*" && span.http.response.status_code = 200 }', None),
        ('{ rootServiceName !~ ".*router.*" }', {"export"}),
        ("{ span.http.response.status_code > 100 && span.http.response.status_code < 100 }", set()),
        ('{ traceDuration > 1s && (kind = client && span.db.system != "mysql") }', {"export"}),
        ('{ resource."service.name" = "cart" && span:kind = server && trace:rootName != "x" }', {"GET /cart"}),
        ("{ .no.such.thing != 1 }", set()),
    ],
)
def test_conditions(tempo: Api, query: str, names: set[str] | None) -> None:
    traces = found(tempo, q=query, limit=1000)
    seen = {trace["rootTraceName"] for trace in traces}
    assert seen == names if names is not None else {"GET /cart", "GET /catalog", "GET /checkout"} == seen


def test_spans_a_set_are_bounded_and_counted(tempo: Api) -> None:
    for spans, shown in ((0, 3), (1, 1), (100, 4)):
        [trace] = found(tempo, q='{ trace:rootName = "GET /checkout" }', limit=1, spss=spans)
        assert len(trace["spanSet"]["spans"]) == shown
        assert trace["spanSet"]["matched"] == 4


def test_a_search_by_tags_tells_of_the_trace_alone(tempo: Api) -> None:
    [trace] = found(tempo, tags='service.name=cart name="GET /cart"', minDuration="1ms", maxDuration="10s", limit=1)
    assert "spanSet" not in trace
    assert "serviceStats" not in trace
    assert found(tempo, tags="error=true") == []
    assert found(tempo, tags="service.name=cart", minDuration="1h") == []
    assert found(tempo, limit=2)[0].keys() == trace.keys()


def test_what_is_empty_or_long_ago(tempo: Api) -> None:
    old = tempo.get("/api/search", q="{}", start=END - 90 * 86400, end=END - 89 * 86400).json()
    assert old == {"traces": [], "metrics": {}}
    nothing = tempo.get("/api/search", q='{ name = "x" }', **HOUR).json()
    assert nothing["traces"] == []
    assert int(nothing["metrics"]["inspectedBytes"]) > 0


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        (
            {"q": "{}", "end": "1795265594"},
            "error parsing date range: only one of start and end provided: must provide both or neither",
        ),
        (
            {"q": "{}", "start": "1795264694"},
            "http parameter start must be before end. received start=1795264694 end=0",
        ),
        (
            {"start": "1795264694000000000", "end": "1795265594000000000"},
            'invalid start: strconv.ParseUint: parsing "1795264694000000000": value out of range',
        ),
        (
            {"start": "1794657194", "end": "1795265594"},
            "range specified by start and end exceeds 168h0m0s. received start=1794657194 end=1795265594",
        ),
        ({"limit": "300000"}, "limit 300000 exceeds max limit 262144"),
        ({"limit": "0"}, "invalid limit: must be a positive number"),
        ({"spss": "1000"}, "spans per span set exceeds 100. received 1000"),
        ({"spss": "-1"}, 'invalid spss: strconv.ParseUint: parsing "-1": invalid syntax'),
        ({"q": "{}", "tags": "a=b"}, "invalid request: can't specify tags and q in the same query"),
        ({"tags": "a=b", "minDuration": "x"}, 'invalid minDuration: time: invalid duration "x"'),
        ({"tags": 'a="b'}, "invalid tags: unterminated quoted value at pos 5"),
        ({"q": "{ foo"}, "invalid TraceQL query: parse error at line 1, col 3: unknown identifier: foo"),
        (
            {"q": '{ duration="x" }'},
            "invalid TraceQL query: binary operations must operate on the same type: duration = `x`",
        ),
        (
            {"q": "{ status = error"},
            "invalid TraceQL query: parse error at line 1, col 17: syntax error: unexpected $end",
        ),
        ({"q": "{} >> {}"}, "invalid TraceQL query: parse error at line 1, col 4: syntax error: unexpected >"),
    ],
)
def test_refusals_are_in_the_recorded_words(tempo: Api, parameters: dict[str, Any], text: str) -> None:
    answer = tempo.get("/api/search", **parameters)
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (400, text, TEXT)


def test_other_paths(tempo: Api) -> None:
    assert tempo.get("/ready").text.strip() == "ready"
    assert tempo.get("/api/echo").text == "echo"
    assert tempo.get("/api/status/buildinfo").json()["version"]
    missing = tempo.get("/api/nope")
    assert (missing.status_code, missing.text) == (404, "404 page not found\n")


def test_openshifts_gateway_has_a_path_in_between(tempo: Api) -> None:
    behind = tempo.get("/api/traces/v1/platform/tempo/api/search", q="{}", **HOUR)
    assert behind.json() == tempo.get("/api/search", q="{}", **HOUR).json()
    unknown = tempo.get("/api/traces/v1/nosuch/tempo/api/search", q="{}")
    assert (unknown.status_code, unknown.json()["errorType"]) == (401, "observatorium-api")


def test_spans_counted_over_time(tempo: Api) -> None:
    def series(query: str, step: str) -> list[dict[str, Any]]:
        answer = tempo.get("/api/metrics/query_range", q=query, step=step, **HOUR)
        answer.raise_for_status()
        counted: list[dict[str, Any]] = answer.json()["series"]
        return counted

    by_service = series("{ kind = server } | count_over_time() by (resource.service.name)", "10m")
    counts = {
        each["labels"][0]["value"]["stringValue"]: [sample.get("value", 0) for sample in each["samples"]]
        for each in by_service
    }
    assert counts["cart"] == [20] * 6
    [nothing] = series('{ name = "x" } | rate()', "30m")
    assert nothing["labels"] == [{"key": "__name__", "value": {"stringValue": "rate"}}]
    assert nothing["samples"] == [{"timestampMs": str((END - 3600) * 1000)}, {"timestampMs": str((END - 1800) * 1000)}]
    for query, text in (
        ("{}", "not a metrics query"),
        ("", "parse error : syntax error: unexpected $end"),
        ("{} | foo()", "parse error at line 1, col 6: syntax error: unexpected IDENTIFIER"),
    ):
        assert tempo.get("/api/metrics/query_range", q=query, **HOUR).text == text
