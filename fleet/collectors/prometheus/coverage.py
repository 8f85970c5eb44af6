"""From a span's answers to the frame and the coverage of one chunk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from fleet.collectors.prometheus.client import PrometheusClient
from fleet.collectors.prometheus.span import QueryAnswer, SpanAnswers
from fleet.errors import CredentialMissing, SourceError
from fleet.frames.coverage import Coverage, CoverageStatus, QueryCoverage, combine
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import QueryPack
from fleet.frames.window import Window

SIGNAL = "metrics"
COLLECTOR = "prometheus"


def chunk_frame(answers: SpanAnswers, chunk: Window) -> Frame:
    """The series that have any sample in the chunk."""
    first, last = _columns(answers, chunk)
    keys: list[SeriesKey] = []
    parts = [np.empty((0, last - first), dtype=np.float32)]
    for each in answers.answers:
        if each.answer is None:
            continue
        values = each.answer.values[:, first:last]
        rows = np.flatnonzero(~np.isnan(values).all(axis=1))
        keys += [SeriesKey(each.query.id, each.answer.series[row]) for row in rows]
        parts.append(values[rows])
    return Frame(chunk.start.astimezone(UTC), answers.step_seconds, keys, np.concatenate(parts))


def chunk_coverage(
    client: PrometheusClient, cluster_id: str, pack: QueryPack, answers: SpanAnswers, chunk: Window, frame: Frame
) -> Coverage:
    """What was seen in the chunk, query by query and as a whole."""
    first, last = _columns(answers, chunk)
    series: dict[str, int] = {}
    for key in frame.keys:
        series[key.query_id] = series.get(key.query_id, 0) + 1
    queries = [_query_coverage(each, first, last, series.get(each.query.id, 0)) for each in answers.answers]
    queries = narrowed(client, queries)
    status = combine([query.status for query in queries])
    reason, error = _whole_reason(status, queries, answers)
    return Coverage(
        cluster_id=cluster_id,
        signal=SIGNAL,
        collector=COLLECTOR,
        window=chunk,
        step_seconds=answers.step_seconds,
        pack_hash=pack.content_hash,
        status=status,
        reason=reason,
        error=error,
        endpoint=client.endpoint.url,
        queries=queries,
        collected_at=datetime.now(UTC),
    )


def absence_in_words(missing: Sequence[Sequence[str]]) -> str:
    """Why none of a query's forms can be answered, from the metrics that each lacks."""
    return f"the server has no metric {'; nor '.join(', '.join(each) for each in missing)}"


def narrowed(client: PrometheusClient, queries: list[QueryCoverage]) -> list[QueryCoverage]:
    """The same where the client sees only a part of the cluster: what is not there may be elsewhere."""
    if not client.narrowed:
        return queries
    less = {CoverageStatus.OK: CoverageStatus.PARTIAL, CoverageStatus.ABSENT: CoverageStatus.UNKNOWN}
    return [
        query.model_copy(
            update={
                "status": less.get(query.status, query.status),
                "reason": "; ".join(filter(None, (client.narrowed, query.reason))),
            }
        )
        for query in queries
    ]


def unseen(
    client: PrometheusClient,
    cluster_id: str,
    pack: QueryPack,
    chunk: Window,
    step_seconds: int,
    fault: SourceError | CredentialMissing,
) -> tuple[Window, Frame, Coverage]:
    """A chunk of which a fault of the whole endpoint left nothing to see."""
    points = chunk.points(step_seconds)
    frame = Frame(chunk.start.astimezone(UTC), step_seconds, [], np.empty((0, points), dtype=np.float32))
    coverage = Coverage(
        cluster_id=cluster_id,
        signal=SIGNAL,
        collector=COLLECTOR,
        window=chunk,
        step_seconds=step_seconds,
        pack_hash=pack.content_hash,
        status=CoverageStatus.UNKNOWN,
        reason=str(fault),
        error=type(fault).__name__,
        endpoint=client.endpoint.url,
        queries=[
            QueryCoverage(query_id=query.id, status=CoverageStatus.UNKNOWN, reason=fault.message)
            for query in pack.queries
        ],
        collected_at=datetime.now(UTC),
    )
    return chunk, frame, coverage


def _columns(answers: SpanAnswers, chunk: Window) -> tuple[int, int]:
    first = round((chunk.start - answers.span.start).total_seconds() / answers.step_seconds)
    return first, first + chunk.points(answers.step_seconds)


def _query_coverage(answer: QueryAnswer, first: int, last: int, series: int) -> QueryCoverage:
    if answer.missing:
        return QueryCoverage(
            query_id=answer.query.id, status=CoverageStatus.ABSENT, reason=absence_in_words(answer.missing)
        )
    notes = answer.answer.notes if answer.answer is not None else None
    status, reason = CoverageStatus.OK, ""
    if answer.seen_points <= first:
        status, reason = CoverageStatus.UNKNOWN, answer.reason
    elif answer.seen_points < last or (notes is not None and notes.incomplete):
        status, reason = CoverageStatus.PARTIAL, answer.reason
    return QueryCoverage(
        query_id=answer.query.id,
        status=status,
        reason=reason,
        warnings=[*notes.warnings, *notes.infos] if notes is not None else [],
        series=series,
        promql=answer.form.promql if answer.form and answer.form.promql != answer.query.promql else "",
    )


def _whole_reason(status: CoverageStatus, queries: list[QueryCoverage], answers: SpanAnswers) -> tuple[str, str]:
    """Why the whole is not ok, in words, and the class name of the failure behind it."""
    if status is CoverageStatus.ABSENT:
        return "the server has none of the metrics that the pack asks for", ""
    lacking = [query for query in queries if query.status in {CoverageStatus.PARTIAL, CoverageStatus.UNKNOWN}]
    if not lacking:
        return "", ""
    error = next((answer.error for answer in answers.answers if answer.error), "")
    if answers.fault is not None:
        error = type(answers.fault).__name__
    why = str(answers.fault) if answers.fault is not None else lacking[0].reason
    if status is CoverageStatus.UNKNOWN:
        return why, error
    return f"{len(lacking)} of {len(queries)} queries were not seen whole: {why}", error
