from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.collectors.tempo.traceql import (
    SERVICE,
    AnyOf,
    Attribute,
    Condition,
    Intrinsic,
    Kind,
    Operator,
    Scope,
    Selection,
    Status,
    TagSearch,
    TraceQuery,
    quoted,
    spans_with,
)
from fleet.errors import UsageError
from simulator.tempo.spans import Kind as SimulatedKind
from simulator.tempo.spans import Span, Trace
from simulator.tempo.traceql import parse

EQUAL = Operator.EQUAL


def holds(query: TraceQuery, span: Span) -> bool:
    return parse(str(query)).holds(Trace(b"\x01" * 16, (span,)), span)


def span_of(name: str = "x", service: str = "a", **attributes: object) -> Span:
    return Span(b"\1" * 8, b"", name, SimulatedKind.SERVER, 0, 10**9, {"service.name": service}, dict(attributes))


def test_a_selection_becomes_one_query() -> None:
    selection = Selection(
        service='up"f',
        operation="GET /a b",
        longer_than=timedelta(milliseconds=1.5),
        shorter_than=timedelta(minutes=2),
        errors_only=True,
        attributes={"http.route": "/x", "odd name": "1"},
    )
    assert str(selection.query()) == (
        '{ resource.service.name = "up\\"f" && name = "GET /a b" && duration > 1500us && duration < 120000000us'
        ' && status = error && .http.route = "/x" && ."odd name" = "1" }'
    )
    assert str(Selection().query()) == "{}"


def test_values_are_written_by_their_kind() -> None:
    conditions = [
        Condition(Attribute("n", Scope.SPAN), Operator.GREATER, 5),
        Condition(Attribute("r", Scope.SPAN), Operator.LESS, 0.5),
        Condition(Attribute("b", Scope.SPAN), Operator.UNEQUAL, True),
        Condition(Intrinsic.KIND, EQUAL, Kind.CLIENT),
        Condition(Intrinsic.STATUS, Operator.UNEQUAL, Status.OK),
        Condition(SERVICE, Operator.REGEX, "a|b"),
    ]
    assert str(spans_with(conditions[0], AnyOf(conditions[1:]))) == (
        "{ span.n > 5 && (span.r < 0.5 || span.b != true || kind = client || status != ok"
        ' || resource.service.name =~ "a|b") }'
    )


@pytest.mark.parametrize(
    ("field", "operator", "value"),
    [
        (Intrinsic.STATUS, EQUAL, "error"),
        (Intrinsic.DURATION, Operator.GREATER, 5),
        (Intrinsic.NAME, EQUAL, Status.ERROR),
        (SERVICE, Operator.REGEX, 5),
    ],
)
def test_values_that_do_not_go_with_their_field(field: Intrinsic, operator: Operator, value: object) -> None:
    with pytest.raises(UsageError):
        Condition(field, operator, value)  # type: ignore[arg-type]


def test_the_hint_is_added_unless_there_is_one() -> None:
    assert str(TraceQuery("{}").newest_first()) == "{} with (most_recent=true)"
    own = TraceQuery("{} with(most_recent=false)")
    assert own.newest_first() is own
    named = TraceQuery('{ name = "with (" }')
    assert str(named.newest_first()).endswith("with (most_recent=true)")


@given(st.text(), st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])))
def test_no_text_leaves_its_quotes(text: str, name: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        with pytest.raises(UsageError):
            quoted(text)
        return
    assert holds(spans_with(Condition(SERVICE, EQUAL, text)), span_of(service=text))
    assert not holds(spans_with(Condition(SERVICE, EQUAL, text)), span_of(service=f"{text}x"))
    query = spans_with(Condition(Attribute(name), EQUAL, text))
    assert holds(query, span_of(**{name: text}))
    assert not holds(query, span_of())


def test_tags_are_logfmt() -> None:
    search = TagSearch({"service.name": "cart", "name": 'GET "x"'}, timedelta(seconds=1), timedelta(seconds=2))
    assert search.form() == [
        ("tags", 'service.name=cart name="GET \\"x\\""'),
        ("minDuration", "1000000us"),
        ("maxDuration", "2000000us"),
    ]
    assert TagSearch({}).form() == []
    with pytest.raises(UsageError):
        TagSearch({"a b": "c"}).form()
