"""All traces that a cluster's Tempo holds: the generated ones and those that were pushed."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge

from simulator.cluster import SimulatedCluster
from simulator.tempo.generated import generated_trace, traces_between
from simulator.tempo.pushed import PushedTraces
from simulator.tempo.spans import Trace


def stored_traces(cluster: SimulatedCluster, start: float, end: float, *, failed_only: bool = False) -> Iterator[Trace]:
    """The traces that searches find in ``start <= t < end`` (Unix seconds of their start), newest first.

    ``failed_only`` allows to leave out those in which nothing failed.
    """
    pushed = [trace for trace in cluster.state(PushedTraces).searchable() if start * 1e9 <= trace.start_ns < end * 1e9]
    pushed.sort(key=lambda trace: -trace.start_ns)
    generated = traces_between(cluster, start, end, failed_only=failed_only)
    return merge(generated, pushed, key=lambda trace: -trace.start_ns)


def stored_trace(cluster: SimulatedCluster, trace_id: bytes) -> Trace | None:
    """The trace with this id (16 bytes); None where there is none."""
    return cluster.state(PushedTraces).find(trace_id) or generated_trace(cluster, trace_id)
