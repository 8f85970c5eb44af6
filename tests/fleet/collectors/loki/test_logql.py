from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.collectors.loki.logql import (
    Contains,
    LabelFilter,
    LineFilter,
    LogQuery,
    Match,
    Matcher,
    Parse,
    Parser,
    WrittenQuery,
    any_of,
    count_over_time,
    one_of,
    quoted,
    rate,
)
from fleet.collectors.loki.place_labels import OPEN_TELEMETRY, OPENSHIFT, PLAIN, place_labels_of
from fleet.errors import UsageError

RAN = Matcher("ns", Match.EQUAL, "ran")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_quoting_loses_nothing_and_lets_nothing_out(text: str) -> None:
    literal = quoted(text)
    # Python reads the escapes that are used here as Go does.
    assert ast.literal_eval(literal) == text
    assert literal.isprintable()


def test_half_a_character_cannot_be_asked_for() -> None:
    with pytest.raises(UsageError):
        quoted("\ud800")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=4), st.text())
def test_values_as_an_expression_match_themselves_alone(values: list[str], other: str) -> None:
    import re

    expression = re.compile(any_of(values), re.DOTALL)
    assert all(expression.fullmatch(value) for value in values)
    assert (expression.fullmatch(other) is not None) == (other in values)


def test_a_query_of_parts() -> None:
    query = LogQuery(
        (RAN, one_of("pod", ["vdu-0", "vdu.1"]), Matcher("app", Match.NOT_REGEX, "test.*")),
        (
            LineFilter(Contains.TEXT, 'say "hi" `now` \\'),
            LineFilter(Contains.NO_REGEX, r"\d+ ms"),
            Parse(Parser.JSON),
            LabelFilter("level", Match.EQUAL, "error"),
        ),
    )
    assert query.selector == r'{ns="ran", pod=~"vdu-0|vdu\\.1", app!~"test.*"}'
    assert str(query) == query.selector + r' |= "say \"hi\" `now` \\" !~ "\\d+ ms" | json | level="error"'
    assert str(LogQuery((RAN,)).narrowed(one_of("app", ["x"]), Parse(Parser.LOGFMT))) == '{ns="ran", app="x"} | logfmt'


def test_what_selects_everything_or_has_no_name_is_refused() -> None:
    for matchers in (
        (),
        (Matcher("a", Match.REGEX, ".*"),),
        (Matcher("a", Match.EQUAL, ""),),
        (Matcher("a", Match.UNEQUAL, "x"),),
    ):
        with pytest.raises(UsageError):
            LogQuery(matchers)
    with pytest.raises(UsageError):
        one_of("pod", [])
    for name in ("a-b", "", "1a", 'a="x"} |= "'):
        with pytest.raises(UsageError):
            Matcher(name, Match.EQUAL, "x")
        with pytest.raises(UsageError):
            LabelFilter(name, Match.EQUAL, "x")
        with pytest.raises(UsageError):
            count_over_time(LogQuery((RAN,)), 60, [name])
    # RE2's own: Python cannot say, so the server may.
    assert LogQuery((Matcher("a", Match.REGEX, r"\pL+"),)).selector == r'{a=~"\\pL+"}'


def test_metric_queries() -> None:
    query = LogQuery((RAN,), (LineFilter(Contains.TEXT, "x"),))
    assert count_over_time(query, 60) == 'sum (count_over_time({ns="ran"} |= "x" [60s]))'
    assert rate(query, 300, ["app", "pod"]) == 'sum by (app, pod) (rate({ns="ran"} |= "x" [300s]))'
    with pytest.raises(UsageError):
        rate(query, 0)


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ('{a="b"} |= "{c}"', '{a="b"}'),
        ('{a=`x}y`, b="}\\""} | json', '{a=`x}y`, b="}\\""}'),
        ('sum(rate({a="b"}[5m]))', '{a="b"}'),
        ('label_replace(rate({a="b"}[5m]), "{x}", "y", "z", "")', '{a="b"}'),
    ],
)
def test_the_streams_of_a_written_query(text: str, selector: str) -> None:
    query = WrittenQuery(text)
    assert (query.selector, str(query)) == (selector, text)


@pytest.mark.parametrize("text", ["", "a", '"{a}"', "{a=", '{a="b}'])
def test_a_written_query_without_streams_is_none(text: str) -> None:
    with pytest.raises(UsageError):
        WrittenQuery(text)


def test_labels_of_places() -> None:
    assert place_labels_of(["app", "kubernetes_namespace_name"]) is OPENSHIFT
    assert place_labels_of(["k8s_namespace_name", "service_name"]) is OPEN_TELEMETRY
    assert place_labels_of(["namespace", "app"]) is PLAIN
    assert place_labels_of([]) is PLAIN
    query = LogQuery(OPENSHIFT.matchers(namespaces=["ran"], pods=["a", "b"]))
    assert query.selector == '{kubernetes_namespace_name="ran", kubernetes_pod_name=~"a|b"}'
