"""One log query over several clusters, or several tenants of one, at a time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from fleet.collectors.loki.client import LokiClient
from fleet.collectors.loki.collect import LogRequest, collect_logs
from fleet.frames.coverage import Coverage
from fleet.frames.log_frame import Labels, LogFrame, concatenate_logs

CLUSTER_LABEL = "cluster"
_AT_ONCE = 8


@dataclass(frozen=True)
class LogTarget:
    """A cluster that is asked: its id for the coverage, its name for the lines, and its client."""

    cluster_id: str
    cluster_name: str
    client: LokiClient


@dataclass(frozen=True)
class FederatedLogs:
    """Lines of all clusters in order of time, each with its cluster's name as the label ``cluster``, and what was seen.

    A label of that name that a line had before is ``exported_cluster``, as Prometheus would name it. A cluster that
    failed is a coverage, in the order of the targets, and no line.
    """

    frame: LogFrame
    coverage: list[Coverage]


def federated_logs(targets: Sequence[LogTarget], request: LogRequest) -> FederatedLogs:
    """Ask several clusters the same; ``most_lines`` holds for each.

    Raises:
        StoreUnavailable: our own credential store, or where budgets are kept, cannot be reached.
    """
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="loki") as threads:
        found = list(threads.map(partial(_one, request), targets))
    return FederatedLogs(concatenate_logs([frame for frame, _ in found]), [coverage for _, coverage in found])


def _one(request: LogRequest, target: LogTarget) -> tuple[LogFrame, Coverage]:
    frame, coverage = collect_logs(target.client, target.cluster_id, request)
    return named_lines(frame, target.cluster_name), coverage


def named_lines(frame: LogFrame, cluster_name: str) -> LogFrame:
    """A cluster's lines with its name as the label ``cluster``, as ``FederatedLogs`` has them."""
    streams = [_named(labels, cluster_name) for labels in frame.streams]
    return LogFrame(frame.timestamps_ns, frame.stream, streams, frame.lines, frame.metadata)


def _named(labels: Labels, cluster_name: str) -> Labels:
    if CLUSTER_LABEL not in labels:
        return {**labels, CLUSTER_LABEL: cluster_name}
    kept = f"exported_{CLUSTER_LABEL}"
    while kept in labels:
        kept = f"exported_{kept}"
    return {**labels, kept: labels[CLUSTER_LABEL], CLUSTER_LABEL: cluster_name}
