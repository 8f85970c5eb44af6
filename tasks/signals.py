"""Collect what metrics do not tell: alerts, the newest error lines, the newest traces with errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from prefect import task

from blocks.stores import open_stores
from fleet.collectors import alertmanager
from fleet.collectors.alertmanager import AlertmanagerClient
from fleet.collectors.loki import LokiClient, LokiLimits
from fleet.collectors.loki.sampling import sample_error_lines
from fleet.collectors.prometheus import PrometheusClient, collect_rules
from fleet.collectors.tempo import TempoClient, TempoLimits
from fleet.collectors.tempo.sampling import sample_error_traces
from fleet.findings.scan import Scan
from fleet.frames.alerts import AlertFrame, RuleFrame
from fleet.frames.coverage import Coverage
from fleet.frames.window import CHUNK, Window
from fleet.inventory.cluster import Cluster
from storage.signals import SignalStore
from storage.stores import Stores
from tasks.access import open_client
from tasks.outcome import ClusterOutcome, Stage
from tasks.policy import STEP
from tasks.questions import ALERTS, ENOUGH_LINES, ENOUGH_TRACES, LOGS, RULES, TRACES, Question

_LOG_LIMITS = LokiLimits(scanned_bytes=8 << 30)
"""Of one question of two: together no more than is looked through at most for a collection."""
_TRACE_LIMITS = TempoLimits(page_traces=ENOUGH_TRACES + 1)
Chunks = Iterable[tuple[Coverage, Any]]
Ask = Callable[[Sequence[Window]], Chunks]


@task(name="collect_alerts", task_run_name="collect-alerts-{cluster_id}", **STEP)
def collect_alerts(scan_id: str, cluster_id: str) -> ClusterOutcome:
    """Fetch and store how alerts, silences and rules stand at the end of a scan's window."""
    stores = open_stores()
    scan, cluster = stores.scans.get(scan_id), stores.clusters.get(cluster_id)
    asked: list[tuple[Question, SignalStore[Any], Ask]] = [
        (ALERTS, stores.alerts, partial(_ask_alerts, stores, cluster)),
        (RULES, stores.rules, partial(_ask_rules, stores, cluster)),
    ]
    at_end = list(scan.window.chunks(CHUNK))[-1:]
    seen = [row for question, store, ask in asked for row in _collected(stores, cluster, question, store, at_end, ask)]
    return _outcome(cluster, seen)


@task(name="collect_logs", task_run_name="collect-logs-{cluster_id}", **STEP)
def collect_logs(scan_id: str, cluster_id: str) -> ClusterOutcome:
    """Fetch and store the newest error lines of each chunk of a scan's window that is not stored yet."""
    stores = open_stores()
    scan, cluster = stores.scans.get(scan_id), stores.clusters.get(cluster_id)
    return _outcome(
        cluster, _collected(stores, cluster, LOGS, stores.logs, _chunks(scan), partial(_ask_logs, stores, cluster))
    )


@task(name="collect_traces", task_run_name="collect-traces-{cluster_id}", **STEP)
def collect_traces(scan_id: str, cluster_id: str) -> ClusterOutcome:
    """Fetch and store the newest traces with errors of each chunk of a scan's window that is not stored yet."""
    stores = open_stores()
    scan, cluster = stores.scans.get(scan_id), stores.clusters.get(cluster_id)
    asked = partial(_ask_traces, stores, cluster)
    return _outcome(cluster, _collected(stores, cluster, TRACES, stores.traces, _chunks(scan), asked))


def _chunks(scan: Scan) -> list[Window]:
    return list(scan.window.chunks(CHUNK))


def _collected(
    stores: Stores, cluster: Cluster, question: Question, store: SignalStore[Any], chunks: list[Window], ask: Ask
) -> list[Coverage]:
    """What is known of these chunks, when those that are not final yet have been asked for.

    Nothing of a cluster that has no such endpoint, or from which it was taken while the scan ran.
    """
    if question.kind not in cluster.endpoints:
        return []
    missing = stores.coverage.missing(cluster.id, question.collector, question.content_hash, 0, chunks)
    if missing:
        keyed = {"pack_hash": question.content_hash}
        store.save((coverage.model_copy(update=keyed), frame) for coverage, frame in ask(missing))
    return stores.coverage.list(
        Window(start=chunks[0].start, end=chunks[-1].end),
        cluster_ids=[cluster.id],
        collector=question.collector,
        pack_hash=question.content_hash,
        step_seconds=0,
    )


def _ask_alerts(stores: Stores, cluster: Cluster, chunks: Sequence[Window]) -> Iterable[tuple[Coverage, AlertFrame]]:
    with open_client(stores, cluster, ALERTS.kind, AlertmanagerClient) as client:
        for chunk in chunks:
            frame, coverage = alertmanager.collect_alerts(client, cluster.id, chunk)
            yield coverage, frame


def _ask_rules(stores: Stores, cluster: Cluster, chunks: Sequence[Window]) -> Iterable[tuple[Coverage, RuleFrame]]:
    with open_client(stores, cluster, RULES.kind, PrometheusClient) as client:
        for chunk in chunks:
            frame, coverage = collect_rules(client, cluster.id, chunk)
            yield coverage, frame.telling


def _ask_logs(stores: Stores, cluster: Cluster, chunks: Sequence[Window]) -> Chunks:
    with open_client(stores, cluster, LOGS.kind, LokiClient, limits=_LOG_LIMITS) as client:
        yield from sample_error_lines(client, cluster.id, chunks, ENOUGH_LINES)


def _ask_traces(stores: Stores, cluster: Cluster, chunks: Sequence[Window]) -> Chunks:
    with open_client(stores, cluster, TRACES.kind, TempoClient, limits=_TRACE_LIMITS) as client:
        yield from sample_error_traces(client, cluster.id, chunks, ENOUGH_TRACES)


def _outcome(cluster: Cluster, seen: Sequence[Coverage]) -> ClusterOutcome:
    gaps = {f"{row.signal}: {row.reason}" for row in seen if row.is_gap}
    return ClusterOutcome(Stage.SIGNALS, cluster.id, cluster.name, gaps=tuple(sorted(gaps)))
