"""What is allowed in a pack and yet surely not meant: advice, not faults."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from fleet.frames.pack import Direction, PackQuery, QueryKind, Variant

_BLANK = re.compile(r"\s+")
_AGGREGATES = re.compile(r"\bby\s*\(")
_RATES = re.compile(r"\b(rate|irate|increase|delta|idelta|deriv)\s*\(")
_ADDS_UP = re.compile(r"\b(sum|avg)\b\s*(\(|by\b|without\b)")
Location = tuple[int | str, ...]


def advice_on(queries: Sequence[tuple[int, PackQuery]]) -> Iterator[tuple[Location, str]]:
    """Where in a pack's queries (given with their places in it) something is surely not meant, and what.

    Locations start at the pack: ``("queries", 3, "needs")``.
    """
    first_with: dict[str, str] = {}
    for number, query in queries:
        place: Location = ("queries", number)
        for location, form in _forms(place, query):
            yield from _advice_on_form(location, query, form)
            other = first_with.setdefault(_BLANK.sub("", form.promql), query.id)
            if other != query.id:
                yield (*location, "promql"), f"the query {other!r} asks the same: one anomaly makes two findings"
        yield from _advice_on_thresholds((*place, "thresholds"), query)


def _forms(place: Location, query: PackQuery) -> Iterator[tuple[Location, Variant]]:
    for number, form in enumerate(query.variants):
        yield (place if number == 0 else (*place, "alternatives", number - 1)), form


def _advice_on_form(location: Location, query: PackQuery, form: Variant) -> Iterator[tuple[Location, str]]:
    for name in form.needs:
        if not _mentions(form.promql, name):
            yield (*location, "needs"), f"the metric {name} is not in promql, and decides whether it is asked"
    if query.kind is QueryKind.COUNTER:
        yield from _advice_on_counter((*location, "promql"), form.promql)
    # Where an expression aggregates nothing, every label stays, and none has to be named.
    for role, label in query.subject if _AGGREGATES.search(form.promql) else ():
        if role != "kind" and label and not _mentions(form.promql, label):
            yield (*location, "promql"), f"leaves no label {label!r}, by which subject.{role} is named"


def _advice_on_counter(location: Location, promql: str) -> Iterator[tuple[Location, str]]:
    if _RATES.search(promql):
        yield location, "gives a rate already, of which kind counter takes the rate once more; its kind is gauge"
    elif _ADDS_UP.search(promql):
        yield location, "adds counters up: where one of them starts anew, all count as anew; ask for sum(rate(…[5m]))"


def _advice_on_thresholds(location: Location, query: PackQuery) -> Iterator[tuple[Location, str]]:
    if query.thresholds.warning is None and query.thresholds.critical is None:
        return
    if query.direction is Direction.NONE:
        yield location, "with direction none the query is context only, and nobody looks at them"
    if query.direction is Direction.BOTH:
        yield location, "with direction both they are upper bounds; there are no lower ones"


def _mentions(promql: str, name: str) -> bool:
    return re.search(rf"(?<![\w:]){re.escape(name)}(?![\w:])", promql) is not None
