"""LogQL: what is read, what is refused in the server's words, and which lines pass."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.fleet import FleetOptions, SimulatedFleet
from simulator.loki.levels import level_of
from simulator.loki.parser import parse_query
from simulator.loki.pipeline import Pipeline
from simulator.loki.query import LogQuery
from simulator.loki.scripts import LEVELS, TEMPLATES
from simulator.loki.templates import Facts
from simulator.loki.tokens import QueryError
from simulator.options import BrokenMode
from tests.simulator.conftest import Api, api

TEXT = "text/plain; charset=utf-8"
UNSELECTIVE = (
    "parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible "
    'value. For instance, app=~".*" does not meet this requirement, but app=~".+" will'
)
STREAM = {"app": "cart", "ns": "shop"}
METADATA = {"detected_level": "info"}
LOGFMT = 'level=error msg="upstream \\"x\\" timeout" status=504 dur=1.5s size=10 path=/a app=other'
JSON = (
    '{"level":"error","status":504,"ok":true,"kubernetes":{"pod-name":"p-1","labels":{"a":1.5}},"list":[1],"none":null}'
)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", "parse error : syntax error: unexpected $end"),
        ("{}", UNSELECTIVE),
        ('{app=~".*"}', UNSELECTIVE),
        ('{app!="x"}', UNSELECTIVE),
        ('{app="x"', "parse error at line 1, col 9: syntax error: unexpected $end, expecting } or ,"),
        ("{app=x}", "parse error at line 1, col 6: syntax error: unexpected IDENTIFIER, expecting STRING"),
        ("{app=", "parse error at line 1, col 6: syntax error: unexpected $end, expecting STRING"),
        ('foo({app="x"})', "parse error at line 1, col 1: syntax error: unexpected IDENTIFIER"),
        ('rate({app="x"})', "parse error at line 1, col 15: syntax error: unexpected )"),
        ('rate({app="x"}[5x])', 'parse error at line 0, col 15: unknown unit "x" in duration "5x"'),
        ('{app=~"("}', "parse error : error parsing regexp: missing closing ): `(`"),
        ('{app="x"} |~ "["', "parse error : error parsing regexp: missing closing ]: `[`"),
        ('sum_over_time({app="x"}[5m])', "parse error : invalid aggregation sum_over_time without unwrap"),
        ('{app="x"} | line_format "x"', "parse error at line 1, col 25: syntax error: unexpected STRING"),
        ('{app="x"} | status > "5"', "parse error at line 1, col 22: syntax error: unexpected STRING"),
        ('{app="x"}\n|= x', "parse error at line 2, col 4: syntax error: unexpected IDENTIFIER, expecting STRING"),
        ('{app="x} ', "parse error at line 1, col 6: literal not terminated"),
        ('sum by (app) ({app="x"})', "parse error at line 1, col 15: syntax error: unexpected {"),
    ],
)
def test_refusals(query: str, text: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse_query(query)
    assert str(refused.value) == text


def passed(stages: str, line: str = LOGFMT) -> dict[str, str] | None:
    """The labels parsed from a line, None where it does not pass."""
    query = parse_query(f'{{app="cart"}} {stages}')
    assert isinstance(query, LogQuery)
    return Pipeline(query).run(line, STREAM, METADATA)


@pytest.mark.parametrize(
    ("stages", "passes"),
    [
        ('|= "timeout"', True),
        ("|= `timeout` != `timeout`", False),
        ('|= "nothing" or "504"', True),
        ('!= "nothing" or "504"', False),
        ('|~ "status=5\\\\d\\\\d"', True),
        ('|~ "STATUS"', False),
        ('|~ "(?i)STATUS"', True),
        ('!~ "dur=.*s"', False),
        ('| detected_level="info"', True),
        ('| app="cart" | ns!~"sh.*"', False),
        ("| logfmt | status >= 500", True),
        ("| logfmt | status = 504", True),
        ("| logfmt | status < 504", False),
        ("| logfmt | dur > 1s", True),
        ("| logfmt | dur > 1m30s or size == 10", True),
        ("| logfmt | dur > 1s and size != 10", False),
        ("| logfmt | dur > 1s, size < 11", True),
        ('| logfmt | (level="info" or level="error") and path=~"/.*"', True),
        ("| logfmt | absent > 5", False),
        ('| logfmt | absent=""', True),
        ('| logfmt | app_extracted="other" | app="cart"', True),
        ("| json | __error__=``", False),
    ],
)
def test_which_lines_pass(stages: str, passes: bool) -> None:
    assert (passed(stages) is not None) == passes


def test_what_parsers_find() -> None:
    assert passed("| logfmt") == {
        "level": "error",
        "msg": 'upstream "x" timeout',
        "status": "504",
        "dur": "1.5s",
        "size": "10",
        "path": "/a",
        "app_extracted": "other",
    }
    assert passed("| json", JSON) == {
        "level": "error",
        "status": "504",
        "ok": "true",
        "kubernetes_pod_name": "p-1",
        "kubernetes_labels_a": "1.5",
    }
    # What is no number cannot be compared: the line passes with its error.
    assert passed("| logfmt | path > 5") is not None
    assert (passed("| logfmt | path > 5") or {})["__error__"] == "LabelFilterErr"


@pytest.mark.parametrize(
    ("line", "labels", "metadata", "level"),
    [
        ("a0", {"level": "info"}, {}, "info"),
        ("x", {}, {"severity": "WARNING"}, "warn"),
        ('b0 level=error msg="x y"', {}, {}, "error"),
        (JSON, {}, {}, "error"),
        ('{"a":{"severity":"ERR"}}', {}, {}, "error"),
        ("s0", {}, {}, "unknown"),
        ("2026-03-11 INFO started", {}, {}, "info"),
        ("[ERROR] failed", {}, {}, "error"),
        ("level=strange warning", {}, {}, "warn"),
    ],
)
def test_levels(line: str, labels: dict[str, str], metadata: dict[str, str], level: str) -> None:
    assert level_of(line, labels, metadata) == level


def test_each_template_has_one_level() -> None:
    facts = Facts("cart", "shop/cart-1", "1.2.0", "ledger", ("ledger.payments",), ("shop:cart",))
    for template in TEMPLATES:
        assert template.level in LEVELS
        found = {
            level_of(template.fill(chance * 0x9E3779B97F4A7C15 % 2**64, 10**18 + chance, facts, "1"), {}, {})
            for chance in range(200)
        }
        assert len(found) == 1
        if " level=" in template.text:
            assert found == {template.level}


def test_numbers_of_lines_that_cannot_be_parsed_are_refused(fleet: SimulatedFleet) -> None:
    loki = api(fleet, fleet.names[1], "loki")
    query = 'sum(count_over_time({namespace=~".+"} | json [1h]))'
    answer = loki.get("/loki/api/v1/query", query=query, time=int(fleet.anchor.timestamp()))
    assert (answer.status_code, answer.headers["content-type"]) == (400, TEXT)
    assert answer.text.startswith("pipeline error: 'JSONParserErr' for series: '{__error__=\"JSONParserErr\", ")
    assert answer.text.endswith('(e.g | unwrap latency | __error__="" )\n')
    skipping = query.replace("| json", '| json | __error__=""')
    assert loki.get("/loki/api/v1/query", query=skipping, time=int(fleet.anchor.timestamp())).status_code == 200


@pytest.mark.parametrize(
    ("path", "parameters", "text"),
    [
        (
            "query_range",
            {"step": "0"},
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        ),
        ("query_range", {"step": "q"}, 'cannot parse "q" to a valid duration'),
        (
            "query_range",
            {"step": "0.01"},
            "exceeded maximum resolution of 11,000 points per time series. "
            "Try increasing the value of the step parameter",
        ),
        ("query_range", {"since": "x"}, "could not parse 'since' parameter: not a valid duration string: \"x\""),
        (
            "query_range",
            {"end": "now"},
            "could not parse 'end' parameter: strconv.ParseInt: parsing \"now\": invalid syntax",
        ),
        ("query_range", {"limit": "x"}, 'strconv.Atoi: parsing "x": invalid syntax'),
        (
            "query_range",
            {"query": 'count_over_time({app="x"}[1000h])', "start": "1795262101", "end": "1795265702", "step": "60"},
            "the query time range exceeds the limit (query length: 1001h1m0s, limit: 30d1h)",
        ),
        (
            "query",
            {"query": 'count_over_time({bulk="1000",parts="600"}[1h])', "time": "ANCHOR"},
            "maximum number of series (500) reached for a single query; consider reducing query cardinality by adding "
            "more specific stream selectors, reducing the time range, or aggregating results with functions like "
            "sum(), count() or topk()",
        ),
        (
            "index/stats",
            {"query": "{app="},
            "parse error at line 1, col 6: syntax error: unexpected $end, expecting STRING",
        ),
        (
            "series",
            {"match[]": "{app="},
            "parse error at line 1, col 6: syntax error: unexpected $end, expecting STRING",
        ),
    ],
)
def test_parameters_are_refused(fleet: SimulatedFleet, path: str, parameters: dict[str, Any], text: str) -> None:
    loki = api(fleet, fleet.names[0], "loki")
    given = {
        name: str(int(fleet.anchor.timestamp())) if value == "ANCHOR" else value for name, value in parameters.items()
    }
    answer = loki.get(f"/loki/api/v1/{path}", **{"query": 'rate({app="x"}[1m])', **given})
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (400, text, TEXT)


def test_a_full_queue_is_told_in_plain_words() -> None:
    with SimulatedFleet(FleetOptions(clusters=1, faults=(), broken={"fra-01/loki": BrokenMode.THROTTLED})) as fleet:
        loki: Api = api(fleet, "fra-01", "loki")
        refused, answered = (loki.get("/loki/api/v1/labels") for _ in range(2))
        assert (refused.status_code, refused.text) == (429, "too many outstanding requests")
        assert refused.headers["content-type"] == TEXT
        assert "retry-after" not in refused.headers
        assert answered.status_code == 200
