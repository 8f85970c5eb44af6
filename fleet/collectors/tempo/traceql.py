"""TraceQL and tag searches, built from typed parts: no value reaches a query without being quoted.

Grammar: Grafana Tempo's documentation of TraceQL, and what a Tempo 3.1 was recorded to take. Texts are quoted as Go
quotes strings. Regular expressions (RE2) have to match the whole text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from fleet.errors import UsageError

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-/]*")
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`')
_HINTS = re.compile(r"\bwith\s*\(")
_PLAIN_TAG = re.compile(r"[A-Za-z0-9_.\-/:]+")


class Scope(StrEnum):
    """Whose attribute it is; ANY looks at the span first and then at its resource."""

    RESOURCE = "resource"
    SPAN = "span"
    ANY = ""


class Intrinsic(StrEnum):
    """Fields that every span or trace has."""

    NAME = "name"
    STATUS = "status"
    KIND = "kind"
    DURATION = "duration"
    ROOT_SERVICE = "rootServiceName"
    ROOT_NAME = "rootName"
    TRACE_DURATION = "traceDuration"


class Status(StrEnum):
    """A span's outcome."""

    ERROR = "error"
    OK = "ok"
    UNSET = "unset"


class Kind(StrEnum):
    """A span's part in a call."""

    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"
    INTERNAL = "internal"
    UNSPECIFIED = "unspecified"


class Operator(StrEnum):
    """How a field is compared; a span without the field matches none of them."""

    EQUAL = "="
    UNEQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"
    GREATER = ">"
    LESS = "<"


Value = str | bool | int | float | timedelta | Status | Kind


@dataclass(frozen=True)
class Attribute:
    """An attribute by its name, such as ``service.name`` of the resource."""

    name: str
    scope: Scope = Scope.ANY

    def __str__(self) -> str:
        name = self.name if _PLAIN_NAME.fullmatch(self.name) else quoted(self.name)
        return f"{self.scope}.{name}"


SERVICE = Attribute("service.name", Scope.RESOURCE)


@dataclass(frozen=True)
class Condition:
    """A comparison of a span's field.

    Raises:
        UsageError: the value does not go with the field or the operator.
    """

    field: Attribute | Intrinsic
    operator: Operator
    value: Value

    def __post_init__(self) -> None:
        wanted = _WANTED.get(self.field) if isinstance(self.field, Intrinsic) else None
        if wanted is not None and type(self.value) is not wanted:
            raise UsageError(f"{self.field} is compared with a {wanted.__name__}, not with {self.value!r}.")
        if self.operator in {Operator.REGEX, Operator.NOT_REGEX} and type(self.value) is not str:
            raise UsageError(f"{self.operator} takes a regular expression, not {self.value!r}.")

    def __str__(self) -> str:
        return f"{self.field} {self.operator} {_written(self.value)}"


@dataclass(frozen=True)
class AnyOf:
    """Conditions of which one has to hold."""

    conditions: Sequence[Condition]

    def __str__(self) -> str:
        return f"({' || '.join(map(str, self.conditions))})"


@dataclass(frozen=True)
class TraceQuery:
    """A TraceQL query as it is sent: ``spans_with`` builds it from parts; a person's own text is taken as it is."""

    text: str

    def __str__(self) -> str:
        return self.text

    def newest_first(self) -> TraceQuery:
        """The same with the hint that the newest traces are wanted; as it is where it has hints of its own."""
        if _HINTS.search(_STRINGS.sub('""', self.text)):
            return self
        return TraceQuery(f"{self.text} with (most_recent=true)")


def spans_with(*conditions: Condition | AnyOf) -> TraceQuery:
    """Traces that have a span for which all conditions hold; without one, all traces."""
    return TraceQuery(f"{{ {' && '.join(map(str, conditions))} }}" if conditions else "{}")


@dataclass(frozen=True)
class Selection:
    """Which traces a person asks for: those with a span of this service, this operation, this long.

    ``attributes`` are compared for equality, whether they are the span's or its resource's.
    """

    service: str = ""
    operation: str = ""
    longer_than: timedelta | None = None
    shorter_than: timedelta | None = None
    errors_only: bool = False
    attributes: Mapping[str, str] | None = None

    def query(self) -> TraceQuery:
        """The selection as TraceQL."""
        conditions: list[Condition] = []
        if self.service:
            conditions.append(Condition(SERVICE, Operator.EQUAL, self.service))
        if self.operation:
            conditions.append(Condition(Intrinsic.NAME, Operator.EQUAL, self.operation))
        if self.longer_than is not None:
            conditions.append(Condition(Intrinsic.DURATION, Operator.GREATER, self.longer_than))
        if self.shorter_than is not None:
            conditions.append(Condition(Intrinsic.DURATION, Operator.LESS, self.shorter_than))
        if self.errors_only:
            conditions.append(Condition(Intrinsic.STATUS, Operator.EQUAL, Status.ERROR))
        for name, value in (self.attributes or {}).items():
            conditions.append(Condition(Attribute(name), Operator.EQUAL, value))
        return spans_with(*conditions)


@dataclass(frozen=True)
class TagSearch:
    """The older search by tags, for servers that know no TraceQL; durations are those of whole traces."""

    tags: Mapping[str, str]
    longer_than: timedelta | None = None
    shorter_than: timedelta | None = None

    def form(self) -> list[tuple[str, str]]:
        """Its parameters: ``tags`` in logfmt, ``minDuration`` and ``maxDuration``."""
        pairs = [f"{_tag(name)}={_tag_value(value)}" for name, value in self.tags.items()]
        found = [("tags", " ".join(pairs))] if pairs else []
        for name, bound in (("minDuration", self.longer_than), ("maxDuration", self.shorter_than)):
            if bound is not None:
                found.append((name, duration_text(bound)))
        return found


def quoted(text: str) -> str:
    """A text as a TraceQL string.

    Raises:
        UsageError: the text has half of a surrogate pair, which no UTF-8 can carry.
    """
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError("A query's text holds half of a surrogate pair.")
    return '"' + "".join(_ESCAPES.get(character, character) for character in text) + '"'


def duration_text(duration: timedelta) -> str:
    """A duration as Go writes it, in whole microseconds."""
    return f"{duration // timedelta(microseconds=1)}us"


def _written(value: Value) -> str:
    if isinstance(value, Status | Kind):
        return str(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return duration_text(value) if isinstance(value, timedelta) else repr(value)


def _tag(name: str) -> str:
    if not _PLAIN_TAG.fullmatch(name):
        raise UsageError(f"A tag's name has letters, digits and . _ - / : only, not {name!r}.")
    return name


def _tag_value(value: str) -> str:
    return value if _PLAIN_TAG.fullmatch(value) else quoted(value)


_WANTED: dict[Intrinsic, type] = {
    Intrinsic.NAME: str,
    Intrinsic.STATUS: Status,
    Intrinsic.KIND: Kind,
    Intrinsic.DURATION: timedelta,
    Intrinsic.ROOT_SERVICE: str,
    Intrinsic.ROOT_NAME: str,
    Intrinsic.TRACE_DURATION: timedelta,
}
