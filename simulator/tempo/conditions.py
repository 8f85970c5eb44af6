"""What TraceQL's conditions look at in a span, and when they hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.regexps import BadRegexpError, regexp
from simulator.tempo.spans import Kind, Span, Status, Trace

_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_UNIT_NS = {"ns": 1, "us": 1000, "µs": 1000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
INTRINSIC_TYPES: dict[str, type] = {
    "name": str,
    "statusMessage": str,
    "rootName": str,
    "rootServiceName": str,
    "status": Status,
    "kind": Kind,
    "duration": int,
    "traceDuration": int,
}
Condition = Callable[[Trace, Span], bool]


class TraceQlError(ValueError):
    """A query that is refused, in Tempo's words without ``invalid TraceQL query: ``."""


@dataclass(frozen=True)
class Field:
    """An attribute (``resource``, ``span`` or, for either, "") or, with scope ``intrinsic``, an intrinsic field."""

    scope: str
    name: str

    def value(self, trace: Trace, span: Span) -> Any:
        """Its value for a span; None where it has none. Enums stand for status and kind, nanoseconds for durations."""
        if self.scope == "resource":
            return span.resource.get(self.name)
        if self.scope == "span":
            return span.attributes.get(self.name)
        if self.scope == "":
            return span.attributes.get(self.name, span.resource.get(self.name))
        return INTRINSIC[self.name](trace, span)

    def __str__(self) -> str:
        return self.name if self.scope == "intrinsic" else f"{self.scope}.{self.name}"


def _root_name(trace: Trace, span: Span) -> str | None:
    return trace.root.name if trace.root else None


def _root_service(trace: Trace, span: Span) -> str | None:
    return trace.root.service if trace.root else None


INTRINSIC: dict[str, Callable[[Trace, Span], Any]] = {
    "name": lambda trace, span: span.name,
    "statusMessage": lambda trace, span: span.message,
    "rootName": _root_name,
    "rootServiceName": _root_service,
    "status": lambda trace, span: span.status,
    "kind": lambda trace, span: span.kind,
    "duration": lambda trace, span: span.end_ns - span.start_ns,
    "traceDuration": lambda trace, span: trace.end_ns - trace.start_ns,
}


def duration_ns(text: str) -> int:
    """A duration of Go (``1h30m``, ``1.5s``) in nanoseconds.

    Raises:
        ValueError: it is none.
    """
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f'time: invalid duration "{text}"')
    return round(sum(float(number) * _UNIT_NS[unit] for number, unit in parts))


def condition(field: Field, operator: str, wanted: Any) -> Condition:
    """A comparison; a span without the attribute matches none."""
    if operator in {"=~", "!~"}:
        try:
            pattern = regexp(str(wanted))
        except BadRegexpError as error:
            raise TraceQlError(str(error)) from error
        found = operator == "=~"

        def matches(trace: Trace, span: Span) -> bool:
            value = field.value(trace, span)
            return isinstance(value, str) and bool(pattern.fullmatch(value)) == found

        return matches
    compare = _COMPARISONS[operator]

    def holds(trace: Trace, span: Span) -> bool:
        value = field.value(trace, span)
        return value is not None and _comparable(value, wanted) and bool(compare(value, wanted))

    return holds


def _comparable(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return isinstance(value, bool) and isinstance(wanted, bool)
    if isinstance(value, int | float) and isinstance(wanted, int | float):
        return True
    return type(value) is type(wanted)


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda value, wanted: value == wanted,
    "!=": lambda value, wanted: value != wanted,
    ">": lambda value, wanted: value > wanted,
    "<": lambda value, wanted: value < wanted,
    ">=": lambda value, wanted: value >= wanted,
    "<=": lambda value, wanted: value <= wanted,
}
