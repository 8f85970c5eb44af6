"""What a query does with lines: line filters, parsers and conditions on labels."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulator.loki.entries import Labels
from simulator.loki.extraction import ERROR, extract
from simulator.loki.query import Comparison, Either, LabelFilter, LineFilter, LogQuery, Parser
from simulator.loki.tokens import UNITS_NS
from simulator.regexps import condition, regexp

_ORDERED: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(ns|us|µs|ms|s|m|h)")
LineTest = Callable[[str], bool]


@dataclass
class Extracted:
    """The labels of one line: the stream's, what was stored with it, and what was parsed from it."""

    stream: Labels
    metadata: Labels
    parsed: dict[str, str]

    def get(self, name: str) -> str:
        """A label's value, "" where there is none."""
        for labels in (self.parsed, self.metadata, self.stream):
            if name in labels:
                return labels[name]
        return ""

    @property
    def whole(self) -> dict[str, str]:
        """All labels as one set."""
        return {**self.stream, **self.metadata, **self.parsed}


Step = Callable[[str, Extracted], bool]


class Pipeline:
    """A query's stages, ready to be run.

    Attributes:
        plain: whether lines are taken as they are, or only tested.
    """

    def __init__(self, query: LogQuery) -> None:
        filters = [each for each in query.stages if isinstance(each, LineFilter)]
        self._tests = [_line_test(each) for each in filters]
        self._steps = [_step(each) for each in query.stages if not isinstance(each, LineFilter)]
        self.plain = not self._steps
        parsers = (place for place, each in enumerate(query.stages) if isinstance(each, Parser))
        unparsed = query.stages[: next(parsers, len(query.stages))]
        self._beforehand = [_holds(each) for each in unparsed if isinstance(each, Comparison | Either)]

    def hopeless(self, stream: Labels, metadata: Labels) -> bool:
        """Whether no line of this stream with this metadata passes, whatever it says."""
        labels = Extracted(stream, metadata, {})
        return not all(holds(labels) for holds in self._beforehand)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to be done."""
        return self.plain and not self._tests

    def tests(self, line: str) -> bool:
        """Whether a line passes the line filters."""
        return all(test(line) for test in self._tests)

    def run(self, line: str, stream: Labels, metadata: Labels) -> dict[str, str] | None:
        """The labels parsed from a line; None where it does not pass."""
        if not self.tests(line):
            return None
        labels = Extracted(stream, metadata, {})
        return labels.parsed if all(step(line, labels) for step in self._steps) else None


def _line_test(stage: LineFilter) -> LineTest:
    one_of = _one_of(stage)
    return one_of if stage.operator.startswith("|") else lambda line: not one_of(line)


def _one_of(stage: LineFilter) -> LineTest:
    """Whether a line has one of a filter's texts."""
    texts = stage.texts
    if "~" in stage.operator:
        searches = [regexp(text).search for text in texts]
        return lambda line: any(search(line) is not None for search in searches)
    if len(texts) == 1:
        only = texts[0]
        return lambda line: only in line
    return lambda line: any(text in line for text in texts)


def _step(stage: Parser | LabelFilter) -> Step:
    if isinstance(stage, Parser):
        name = stage.name

        def parse(line: str, labels: Extracted) -> bool:
            extract(name, line, labels.stream, labels.parsed)
            return True

        return parse
    holds = _holds(stage)
    return lambda line, labels: holds(labels)


def _holds(stage: LabelFilter) -> Callable[[Extracted], bool]:
    if isinstance(stage, Comparison):
        return _compared(stage)
    parts = [_holds(each) for each in stage.parts]
    if stage.word == "or":
        return lambda labels: any(part(labels) for part in parts)
    return lambda labels: all(part(labels) for part in parts)


def _compared(stage: Comparison) -> Callable[[Extracted], bool]:
    name = stage.name
    if isinstance(stage.value, str):
        holds = condition(stage.operator, stage.value)
        return lambda labels: holds(labels.get(name))
    compare, wanted = _ORDERED[stage.operator], stage.value
    read = float if stage.kind == "number" else _nanoseconds

    def ordered(labels: Extracted) -> bool:
        # What could not be parsed is let through with its error, for the caller to see.
        if ERROR in labels.parsed:
            return True
        value = labels.get(name)
        if not value:
            return False
        try:
            return compare(read(value), wanted)
        except ValueError:
            labels.parsed[ERROR] = "LabelFilterErr"
            return True

    return ordered


def _nanoseconds(text: str) -> float:
    if text == "0":
        return 0.0
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text.lstrip("-"):
        raise ValueError(text)
    return sum(float(number) * UNITS_NS[unit] for number, unit in parts) * (-1 if text.startswith("-") else 1)


def refused_for_errors(labels: Mapping[str, str]) -> str:
    """Why a metric query is not answered whose lines could not be parsed."""
    error = labels[ERROR]
    named = ", ".join(f'{name}="{_escaped(labels[name])}"' for name in sorted(labels))
    return (
        f"pipeline error: '{error}' for series: '{{{named}}}'.\n"
        f'Use a label filter to intentionally skip this error. (e.g | __error__!="{error}").\n'
        'To skip all potential errors you can match empty errors.(e.g __error__="")\n'
        'The label filter can also be specified after unwrap. (e.g | unwrap latency | __error__="" )\n'
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
