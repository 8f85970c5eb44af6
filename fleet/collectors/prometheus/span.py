"""All queries of a pack over one span of time, several at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta

from fleet.collectors.prometheus.answers import RangeAnswer, join_ranges
from fleet.collectors.prometheus.breaker import Breaker
from fleet.collectors.prometheus.client import PrometheusClient
from fleet.collectors.prometheus.presence import Presence
from fleet.errors import AnswerTooLarge, SourceError
from fleet.frames.pack import PackQuery, QueryPack, Variant
from fleet.frames.window import Window

_SMALLEST_PART_POINTS = 60
_PART = 8


class SpanTooLarge(Exception):
    """The span's samples pass the memory budget; a shorter span has to be asked."""


@dataclass(frozen=True)
class QueryAnswer:
    """One query over a span.

    Attributes:
        query: of the pack.
        form: the form of it that was asked, or would have been; None where the server has the metrics of none.
        answer: its series over the span; None when it was not asked (metrics are missing) or nothing came.
        seen_points: columns from the left that were answered; less than the span's points after a failure.
        missing: of each form the metrics that the server does not have, which is why there are no series.
        reason: why the answer is not whole, in words; empty for a whole one.
        error: the failure's class name; empty without one.
    """

    query: PackQuery
    form: Variant | None
    answer: RangeAnswer | None
    seen_points: int
    missing: list[list[str]] = field(default_factory=list)
    reason: str = ""
    error: str = ""


@dataclass(frozen=True)
class SpanAnswers:
    """A pack over a span; ``fault`` is what made the collector stop asking."""

    span: Window
    step_seconds: int
    answers: list[QueryAnswer]
    fault: SourceError | None


def ask_span(
    client: PrometheusClient, pack: QueryPack, presence: Presence, span: Window, step_seconds: int, *, single: bool
) -> SpanAnswers:
    """Ask all queries of a pack over a span.

    Args:
        client: whom.
        pack: what.
        presence: which metrics there are.
        span: when.
        step_seconds: distance of the points.
        single: the span cannot be made shorter, so that the memory budget does not hold.

    Raises:
        SpanTooLarge: the samples pass the limits' ``span_bytes``.
    """
    asking = _Asking(client, presence, span, step_seconds, None if single else client.limits.span_bytes)
    with ThreadPoolExecutor(max_workers=client.limits.concurrency, thread_name_prefix="prometheus") as threads:
        try:
            answers = list(threads.map(asking.ask, pack.queries))
        except BaseException:
            asking.stop()
            raise
    return SpanAnswers(span, step_seconds, answers, asking.breaker.fault)


class _Asking:
    """What the threads of one span share."""

    def __init__(
        self, client: PrometheusClient, presence: Presence, span: Window, step_seconds: int, budget: int | None
    ) -> None:
        self.breaker = Breaker(client.limits.failures)
        self._client = client
        self._presence = presence
        self._span = span
        self._step_seconds = step_seconds
        self._budget = budget
        self._lock = threading.Lock()
        self._bytes = 0
        self._stopped = False
        self._points = span.points(step_seconds)

    def stop(self) -> None:
        """Let queries that wait end at once."""
        self._stopped = True

    def ask(self, query: PackQuery) -> QueryAnswer:
        """One query's answer; of SourceErrors only the words come out.

        Raises:
            SpanTooLarge: all answers together pass the budget.
        """
        form = self._presence.chosen(query)
        if form is None:
            return QueryAnswer(query, None, None, self._points, missing=self._presence.missing(query))
        fault = self.breaker.fault
        if fault is not None or self._stopped:
            return QueryAnswer(query, form, None, 0, reason=str(fault or "called off"), error=type(fault).__name__)
        parts: list[tuple[int, RangeAnswer]] = []
        try:
            self._ask_in_parts(form.promql, lambda column, answer: parts.append((column, answer)))
        except SourceError as error:
            self.breaker.failed(error)
            return self._joined(query, form, parts, reason=str(error), error=type(error).__name__)
        self.breaker.succeeded()
        answer = self._joined(query, form, parts)
        return answer if answer.answer is not None and answer.answer.series else self._empty(answer, form)

    def _ask_in_parts(self, promql: str, got: Callable[[int, RangeAnswer], None]) -> None:
        """Ask over the whole span, or, when the answer is too large for one, over parts of it."""
        column, size = 0, self._points
        while column < self._points:
            count = min(size, self._points - column)
            try:
                answer = self._client.query_range(promql, self._part(column, count), self._step_seconds)
            except AnswerTooLarge:
                if count <= _SMALLEST_PART_POINTS:
                    raise
                size = max(_SMALLEST_PART_POINTS, count // _PART)
                continue
            self._account(answer.values.nbytes)
            got(column, answer)
            column += count

    def _part(self, column: int, count: int) -> Window:
        start = self._span.start + timedelta(seconds=column * self._step_seconds)
        return Window(start=start, end=start + timedelta(seconds=count * self._step_seconds))

    def _account(self, size: int) -> None:
        with self._lock:
            self._bytes += size
            if self._budget is not None and self._bytes > self._budget:
                self._stopped = True
                raise SpanTooLarge

    def _joined(
        self, query: PackQuery, form: Variant, parts: list[tuple[int, RangeAnswer]], reason: str = "", error: str = ""
    ) -> QueryAnswer:
        if not parts:
            return QueryAnswer(query, form, None, 0, reason=reason, error=error)
        column, last = parts[-1]
        answer = join_ranges(parts, self._points)
        reasons = [text for text in (reason, *answer.notes.incomplete) if text]
        seen_points = column + last.values.shape[1]
        return QueryAnswer(query, form, answer, seen_points, reason="; ".join(reasons), error=error)

    def _empty(self, answer: QueryAnswer, form: Variant) -> QueryAnswer:
        """An empty answer is ``absent``, a plain zero series, or unknown when the metrics' names are."""
        known = self._presence.known_after_empty(form)
        if known is None:
            words = "the answer is empty, and which metrics the server has could not be read"
            return QueryAnswer(answer.query, form, None, 0, reason=words, error="NamesUnknown")
        return answer if known else replace(answer, missing=self._presence.missing(answer.query))
