"""What ``fleetscope query logs`` asks of one Loki, of all of its tenants that may be read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from fleet.collectors.loki import Direction, LogReading, LogRequest, LokiClient, WrittenQuery
from fleet.collectors.loki.federated import named_lines
from fleet.collectors.loki.gateway import LogTenant, tenants_of
from fleet.collectors.loki.logql import AnyLogQuery
from fleet.collectors.loki.selection import LogLevel, LogSelection
from fleet.frames.coverage import CoverageStatus, combine
from fleet.frames.log_frame import LogFrame, concatenate_logs
from fleet.frames.window import Window
from interfaces.cli.query.asking import Access, Answer, Seen
from interfaces.cli.query.series import Series, SeriesSet, json_rows, on_common_times

_COMMENTS = re.compile(r"(?:\s|#[^\n]*)*")


@dataclass(frozen=True)
class Lines:
    """Which lines are asked for: those of a query, or of a choice; ``limit`` of them at most, 0 for all."""

    logql: str
    namespaces: tuple[str, ...]
    pods: tuple[str, ...]
    containers: tuple[str, ...]
    contains: tuple[str, ...]
    matches: tuple[str, ...]
    level: str | None
    window: Window
    limit: int
    oldest_first: bool

    def queries(self, client: LokiClient) -> Sequence[AnyLogQuery]:
        """What to ask one tenant; no line is found by two of them.

        Raises:
            SourceError: it does not answer.
        """
        if self.logql:
            return [WrittenQuery(self.logql)]
        level = LogLevel(self.level) if self.level else None
        choice = LogSelection(self.namespaces, self.pods, self.containers, self.contains, self.matches, level)
        return choice.queries(client, self.window)


@dataclass(frozen=True)
class LinesFound:
    """Lines in order of time; ``more`` where there are others beyond those that were asked for."""

    frame: LogFrame
    more: bool


def is_metric_query(logql: str) -> bool:
    """Whether a query is for numbers: one for lines begins with its streams."""
    text = logql[_COMMENTS.match(logql).end() :]  # type: ignore[union-attr]
    return bool(text) and not text.startswith("{")


@contextmanager
def opened(access: Access, window: Window) -> Iterator[list[LogTenant]]:
    """The tenants behind a cluster's endpoint, as long as the context lasts.

    Raises:
        SourceError, CredentialMissing: it does not answer.
    """
    with LokiClient(access.endpoint, access.credentials, governor=access.governor) as client:
        yield tenants_of(client, window)


def ask_lines(lines: Lines, access: Access) -> Seen[LinesFound]:
    """The lines of one cluster, each with its name as a label."""
    direction = Direction.FORWARD if lines.oldest_first else Direction.BACKWARD
    frames: list[LogFrame] = []
    parts: list[tuple[CoverageStatus, str]] = []
    more = False
    with opened(access, lines.window) as tenants:
        for tenant in tenants:
            if tenant.fault is not None:
                parts.append((CoverageStatus.UNKNOWN, told(tenant, str(tenant.fault))))
                continue
            for query in lines.queries(tenant.client):
                request = LogRequest(query, lines.window, enough=lines.limit or None, direction=direction)
                reading = LogReading(tenant.client, access.cluster.id, request)
                # Reading backwards, later pieces are of earlier times.
                frames += list(reading)[:: 1 if lines.oldest_first else -1]
                parts.append((reading.coverage.status, told(tenant, reading.coverage.reason)))
                more = more or reading.cut
    frame = named_lines(concatenate_logs(frames), access.cluster.name)
    reasons = [reason for status, reason in parts if not status.final]
    return Seen(LinesFound(frame, more), combine([status for status, _ in parts]), "; ".join(dict.fromkeys(reasons)))


def joined(lines: Lines, answers: Sequence[Answer[LinesFound]]) -> tuple[LogFrame, bool]:
    """The lines of all clusters in order of time, no more than were asked for; and whether there are more."""
    found = [answer.found for answer in answers if answer.found is not None]
    frame = concatenate_logs([each.frame for each in found])
    more = any(each.more for each in found)
    if lines.limit and len(frame) > lines.limit:
        first = 0 if lines.oldest_first else len(frame) - lines.limit
        frame, more = frame.slice(first, first + lines.limit), True
    return frame, more


def ask_series(logql: str, window: Window, step_seconds: int, access: Access) -> Seen[list[Series]]:
    """The series of a metric query in one cluster."""
    series: list[Series] = []
    reasons: list[str] = []
    with opened(access, window) as tenants:
        for tenant in tenants:
            if tenant.fault is not None:
                reasons.append(told(tenant, str(tenant.fault)))
                continue
            answer = tenant.client.query_range(logql, window, step_seconds)
            reasons += [told(tenant, f"the server warned: {text}") for text in answer.warnings]
            own = {"tenant": tenant.name} if tenant.name else {}
            for each in answer.series:
                # Loki counts the window's end in: a point of which less than all has happened.
                points = np.stack([each.times_seconds, each.values])[:, each.times_seconds < window.end.timestamp()]
                if points.size:
                    series.append(Series(access.cluster.name, {**each.labels, **own}, points))
    return Seen.perhaps_incomplete(series, reasons)


def joined_series(answers: Sequence[Answer[list[Series]]]) -> SeriesSet:
    """The series of all clusters on common times."""
    every = [each for answer in answers for each in answer.found or []]
    return on_common_times([(each.cluster, each.labels, each.values[0], each.values[1]) for each in every])


def series_document(
    logql: str, window: Window, step_seconds: int, answers: Sequence[Answer[list[Series]]]
) -> dict[str, Any]:
    """What ``--json`` prints of a metric query."""
    coverage = [answer.row for answer in answers]
    series = json_rows(joined_series(answers))
    return {"query": logql, "window": window, "step_seconds": step_seconds, "series": series, "coverage": coverage}


def ask_names(lines: Lines, label: str, access: Access) -> Seen[list[str]]:
    """The names of the labels of streams, or the values of one of them."""
    names: set[str] = set()
    reasons: list[str] = []
    with opened(access, lines.window) as tenants:
        for tenant in tenants:
            if tenant.fault is not None:
                reasons.append(told(tenant, str(tenant.fault)))
                continue
            client, selector = tenant.client, WrittenQuery(lines.logql).selector if lines.logql else ""
            names.update(
                client.label_values(label, lines.window, selector) if label else client.labels(lines.window, selector)
            )
    return Seen.perhaps_incomplete(sorted(names), reasons)


def names_document(label: str, answers: Sequence[Answer[list[str]]]) -> dict[str, Any]:
    """What ``--json`` prints of labels, or of the values of one."""
    names = [{"cluster": answer.cluster, "names": answer.found} for answer in answers if answer.found is not None]
    coverage = [answer.row for answer in answers]
    found = {"label": label, "values": names} if label else {"labels": names}
    return {**found, "coverage": coverage}


def told(tenant: LogTenant, reason: str) -> str:
    """A reason with the tenant that it is about, where there are tenants."""
    return f"tenant {tenant.name}: {reason}" if tenant.name and reason else reason
