"""LogQL, built from typed parts: no value of a cluster or of a caller reaches a query without being quoted.

Grammar: Grafana Loki's documentation of LogQL. Texts are quoted as Go quotes strings, always with double quotes: a
backtick string has no way to hold a backtick, and loses carriage returns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from fleet.errors import UsageError

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_STRING = r'"(?:[^"\\\n]|\\.)*"|`[^`]*`'
_WRITTEN_SELECTOR = re.compile(rf"\{{(?:[^\"`{{}}]|{_STRING})*\}}")
_NOT_BRACES = re.compile(rf"(?:[^\"`{{]|{_STRING})*")


class Match(StrEnum):
    """How a label or a line is compared; regular expressions are RE2."""

    EQUAL = "="
    UNEQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


class Contains(StrEnum):
    """How a line filter compares: a text anywhere in the line, or an expression (RE2, not anchored)."""

    TEXT = "|="
    NO_TEXT = "!="
    REGEX = "|~"
    NO_REGEX = "!~"


class Parser(StrEnum):
    """What makes labels of a line's content.

    A line that it cannot read gets a label ``__error__``, and metric queries are refused while there is one: a label
    filter ``__error__`` = "" behind the parser leaves such lines out.
    """

    JSON = "json"
    LOGFMT = "logfmt"


def quoted(text: str) -> str:
    """A text as a LogQL string.

    Raises:
        UsageError: the text has half of a surrogate pair, which no UTF-8 can carry.
    """
    pieces = []
    for character in text:
        if character in _ESCAPES:
            pieces.append(_ESCAPES[character])
        elif "\ud800" <= character <= "\udfff":
            raise UsageError("A query's text holds half of a surrogate pair.")
        elif character.isprintable():
            pieces.append(character)
        else:
            code = ord(character)
            pieces.append(f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}")
    return f'"{"".join(pieces)}"'


def any_of(values: Sequence[str]) -> str:
    """A regular expression (RE2) that matches these texts and no others."""
    return "|".join(_SPECIAL.sub(r"\\\g<0>", value) for value in values)


@dataclass(frozen=True)
class Matcher:
    """A condition on a stream's label; regular expressions have to match the whole value."""

    label: str
    match: Match
    value: str

    def __post_init__(self) -> None:
        _checked_name(self.label)

    @property
    def selects(self) -> bool:
        """Whether streams without the label are surely left out; Loki wants one such matcher at least."""
        if self.match is Match.EQUAL:
            return self.value != ""
        if self.match is not Match.REGEX:
            return False
        try:
            return re.fullmatch(self.value, "") is None
        except re.error:
            # RE2 has forms that Python has not: the server says what it thinks of it.
            return True

    def __str__(self) -> str:
        return f"{self.label}{self.match}{quoted(self.value)}"


def one_of(label: str, values: Sequence[str]) -> Matcher:
    """A matcher for streams whose label has one of these values.

    Raises:
        UsageError: there is no value; an expression of none would match the streams that lack the label.
    """
    if not values:
        raise UsageError(f"No value is named that the label {label} should have.")
    if len(values) == 1:
        return Matcher(label, Match.EQUAL, values[0])
    return Matcher(label, Match.REGEX, any_of(values))


@dataclass(frozen=True)
class LineFilter:
    """A condition on a line's text; expressions need not match all of it."""

    contains: Contains
    text: str

    def __str__(self) -> str:
        return f"{self.contains} {quoted(self.text)}"


@dataclass(frozen=True)
class Parse:
    """Takes a line apart, so that label filters behind it see what it holds."""

    parser: Parser

    def __str__(self) -> str:
        return f"| {self.parser}"


@dataclass(frozen=True)
class LabelFilter:
    """A condition on a label as it is at this place of the pipeline."""

    label: str
    match: Match
    value: str

    def __post_init__(self) -> None:
        _checked_name(self.label)

    def __str__(self) -> str:
        return f"| {self.label}{self.match}{quoted(self.value)}"


Stage = LineFilter | Parse | LabelFilter


@dataclass(frozen=True)
class LogQuery:
    """A query for log lines.

    Raises:
        UsageError: no matcher leaves anything out, which Loki refuses, or a label's name cannot be one.
    """

    matchers: tuple[Matcher, ...]
    stages: tuple[Stage, ...] = ()

    def __post_init__(self) -> None:
        if not any(matcher.selects for matcher in self.matchers):
            raise UsageError(
                "A log query has to name at least one label with a value.",
                hint='For example namespace="payments", or namespace=~".+".',
            )

    @property
    def selector(self) -> str:
        """The streams alone."""
        return "{" + ", ".join(str(matcher) for matcher in self.matchers) + "}"

    def __str__(self) -> str:
        return " ".join([self.selector, *(str(stage) for stage in self.stages)])

    def narrowed(self, *parts: Matcher | Stage) -> LogQuery:
        """The same query with more conditions: matchers beside the others, stages behind."""
        matchers = tuple(part for part in parts if isinstance(part, Matcher))
        stages = tuple(part for part in parts if not isinstance(part, Matcher))
        return LogQuery(self.matchers + matchers, self.stages + stages)


@dataclass(frozen=True)
class WrittenQuery:
    """A log query that a person wrote in LogQL; only the server knows whether it is right.

    Raises:
        UsageError: it has no stream selector.
    """

    text: str

    def __post_init__(self) -> None:
        self._selector()

    @property
    def selector(self) -> str:
        """The streams alone: the first pair of braces that is not inside a string."""
        return self._selector()

    def __str__(self) -> str:
        return self.text

    def _selector(self) -> str:
        before = _NOT_BRACES.match(self.text)
        found = _WRITTEN_SELECTOR.match(self.text, before.end() if before else 0)
        if found is None:
            raise UsageError(
                "A log query begins with the streams that it is about, in braces.",
                hint='For example {namespace="payments"} |= "timeout".',
            )
        return found[0]


AnyLogQuery = LogQuery | WrittenQuery


def count_over_time(query: AnyLogQuery, seconds: int, by: Sequence[str] = ()) -> str:
    """The number of lines in ranges of so many seconds; of all together, or for each value of labels."""
    return f"{_sum(by)} (count_over_time({query} [{_whole(seconds)}s]))"


def rate(query: AnyLogQuery, seconds: int, by: Sequence[str] = ()) -> str:
    """Lines per second over ranges of so many seconds; of all together, or for each value of labels."""
    return f"{_sum(by)} (rate({query} [{_whole(seconds)}s]))"


def _sum(by: Sequence[str]) -> str:
    for label in by:
        _checked_name(label)
    return f"sum by ({', '.join(by)})" if by else "sum"


def _whole(seconds: int) -> int:
    if seconds < 1:
        raise UsageError("A range of a log query is at least one second.")
    return int(seconds)


def _checked_name(label: str) -> None:
    if not _NAME.fullmatch(label):
        raise UsageError(f"{label[:60]!r} cannot be a label's name in Loki.")
