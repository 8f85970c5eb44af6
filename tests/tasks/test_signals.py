"""What is asked for beside metrics, of clusters that change while a scan runs and of those that have nothing to ask."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prefect import Task

from fleet.frames.coverage import Signal
from fleet.inventory.cluster import Cluster, Endpoint, EndpointKind
from storage.stores import Stores
from tasks import signals, sources
from tasks.outcome import ClusterOutcome
from tests.storage import entities

THERE = Endpoint(url="https://127.0.0.1:9")


@pytest.fixture
def cluster(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Has a Loki and a Tempo at which nobody listens, and a scan."""
    for module in (signals, sources):
        monkeypatch.setattr(module, "open_stores", lambda: stores)
    cluster = Cluster(name="east", endpoints={EndpointKind.LOKI: THERE, EndpointKind.TEMPO: THERE})
    stores.clusters.put(cluster)
    stores.scans.put(entities.scan("scan-1", entities.hours(0, 3), cluster_ids=[cluster.id]))
    return cluster


@pytest.mark.parametrize("task", [signals.collect_alerts, signals.collect_logs, signals.collect_traces])
def test_an_endpoint_that_is_taken_out_while_a_scan_runs_is_not_asked(
    stores: Stores, cluster: Cluster, task: Task[..., ClusterOutcome]
) -> None:
    assert sources.find_sources.fn("scan-1", [cluster.id])[Signal.LOGS] == [cluster.id]
    stores.clusters.change(cluster.name, lambda each: each.model_copy(update={"endpoints": {}}))
    outcome: ClusterOutcome = task.fn("scan-1", cluster.id)
    assert outcome.gaps == ()


def test_sources_that_are_down_are_gaps_of_every_hour_and_raise_nothing(stores: Stores, cluster: Cluster) -> None:
    for task, signal in ((signals.collect_logs, Signal.LOGS), (signals.collect_traces, Signal.TRACES)):
        outcome: ClusterOutcome = task.fn("scan-1", cluster.id)
        assert outcome.gaps
        assert all(gap.startswith(f"{signal.value}: ") for gap in outcome.gaps)
    rows = stores.coverage.list(entities.hours(0, 3), step_seconds=0)
    assert [(row.signal, row.status.value, row.is_gap) for row in rows] == [
        *[("logs", "unknown", True)] * 3,
        *[("traces", "unknown", True)] * 3,
    ]
    assert rows[0].window.end - rows[0].window.start == timedelta(hours=1)
