"""What ``fleetscope query metrics`` asks of one Prometheus, and the answers as series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from fleet.collectors.prometheus import PrometheusClient, collect_pack
from fleet.collectors.prometheus.expression_unit import unit_of_expression
from fleet.frames.coverage import Coverage, CoverageStatus, combine
from fleet.frames.frame import concatenate
from fleet.frames.pack import PackQuery, QueryPack
from fleet.frames.window import Window
from interfaces.cli.query.asking import Access, Answer, Seen
from interfaces.cli.query.series import Series, SeriesSet, Values, json_rows

_AGES = timedelta(days=36_500)


@dataclass(frozen=True)
class Question:
    """An expression, or a pack's query, at a time (``window`` is None) or on the points of a window.

    Attributes:
        promql: the expression; "" where ``named`` is asked.
        named: the pack's query.
        at: the time.
        window: whose points are ``step_seconds`` apart, from its start on.
        step_seconds: 1 where there is no window.
    """

    promql: str
    named: PackQuery | None
    at: datetime
    window: Window | None = None
    step_seconds: int = 1

    @property
    def title(self) -> str:
        """What a reader is told it is."""
        return self.named.title if self.named else self.promql

    @property
    def times(self) -> Values:
        """Unix seconds of the answers' values."""
        if self.window is None:
            return np.array([self.at.timestamp()])
        return self.window.start.timestamp() + self.step_seconds * np.arange(self.window.points(self.step_seconds))


def ask(question: Question, access: Access) -> Seen[SeriesSet]:
    """Ask one cluster.

    Raises:
        SourceError, CredentialMissing: it does not answer.
    """
    with PrometheusClient(access.endpoint, access.credentials, governor=access.governor) as client:
        if question.named is not None:
            return _of_pack(client, access, question, question.named)
        return _of_expression(client, access.cluster.name, question)


def joined(question: Question, answers: Sequence[Answer[SeriesSet]]) -> SeriesSet:
    """The series of all clusters."""
    found = [answer.found for answer in answers if answer.found is not None]
    units = {each.unit for each in found if each.series}
    series = [one for each in found for one in each.series]
    return SeriesSet(question.times, series, units.pop() if len(units) == 1 else "")


def document(question: Question, answers: Sequence[Answer[SeriesSet]]) -> dict[str, Any]:
    """What ``--json`` prints."""
    found, window = joined(question, answers), question.window
    when = {"at": question.at} if window is None else {"window": window, "step_seconds": question.step_seconds}
    query = question.named.id if question.named else question.promql
    coverage = [answer.row for answer in answers]
    return {"query": query, **when, "unit": found.unit, "series": json_rows(found), "coverage": coverage}


def _of_expression(client: PrometheusClient, cluster: str, question: Question) -> Seen[SeriesSet]:
    client.recognise()
    if question.window is None:
        answer = client.query(question.promql, question.at)
        series = [Series(cluster, dict(each.labels), np.array([each.value])) for each in answer.samples]
        notes = answer.notes
    else:
        ranged = client.query_range(question.promql, question.window, question.step_seconds)
        rows = zip(ranged.series, ranged.values, strict=True)
        series = [Series(cluster, dict(labels), row) for labels, row in rows]
        notes = ranged.notes
    unit = unit_of_expression(client, question.promql) if series else ""
    return Seen.perhaps_incomplete(SeriesSet(question.times, series, unit), notes.incomplete)


def _of_pack(client: PrometheusClient, access: Access, question: Question, query: PackQuery) -> Seen[SeriesSet]:
    """As a scan asks it: the form that fits the server's metrics; absent where it has none of them."""
    window = question.window or Window(start=question.at, end=question.at + timedelta(seconds=1))
    pack = QueryPack(name="ad-hoc", version=1, queries=[query])
    chunks = list(collect_pack(client, access.cluster.id, pack, [window], question.step_seconds, _AGES))
    frame = concatenate([frame for _, frame, _ in chunks], window, question.step_seconds)
    series = [
        Series(access.cluster.name, dict(key.labels), row) for key, row in zip(frame.keys, frame.values, strict=True)
    ]
    coverage = [coverage for _, _, coverage in chunks]
    status = combine([each.status for each in coverage])
    return Seen(SeriesSet(question.times, series, query.unit), status, _reason(query, coverage))


def _reason(query: PackQuery, coverage: Sequence[Coverage]) -> str:
    """Why something is missing: of this one query, in its own words where it has some."""
    reasons = [own.reason for each in coverage for own in each.queries if own.status is not CoverageStatus.OK]
    reasons = [f"{query.id}: {reason}" for reason in reasons if reason] or [each.reason for each in coverage]
    return "; ".join(dict.fromkeys(reason for reason in reasons if reason))
