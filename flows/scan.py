"""Scan a fleet: discover, collect, detect, each cluster on its own; compare them; correlate and investigate."""

from __future__ import annotations

import os
from datetime import datetime
from functools import partial

from prefect import flow
from prefect.states import State

from fleet.detectors.cohorts.trimmed import MIN_MEMBERS
from fleet.detectors.contract import Sensitivity
from fleet.frames.coverage import Signal
from fleet.reports.record import ReportKind
from flows.fan_out import FanOut, reason_of
from flows.outcome import FleetOutcome, scan_state
from flows.parameters import ClusterNames, Hours
from flows.progress import Progress
from flows.shard_run import close_shards
from flows.shards import hand_in, whole_or_in_shards
from flows.task_runner import ChosenTaskRunner
from tasks.collect import collect_history, collect_metrics
from tasks.compare import compare_clusters
from tasks.correlate import correlate_findings
from tasks.detect import detect_anomalies
from tasks.discover import discover_cluster
from tasks.investigate import investigate_incidents
from tasks.learn import learn_baselines
from tasks.outcome import Stage
from tasks.publish import publish_coverage, publish_findings, publish_report
from tasks.report import write_report
from tasks.scans import close_scan, name_clusters, open_scan
from tasks.signals import collect_alerts, collect_logs, collect_traces
from tasks.sources import find_sources

SECOND_LOOKS = "FLEETSCOPE_SECOND_LOOKS"
"""Environment variable: names of the detectors that look at the shortlist; see docs/detectors.md."""

JUDGING = [Stage.DISCOVER, Stage.COLLECT, Stage.LEARN, Stage.DETECT, Stage.SIGNALS]
EXPLAINING = [Stage.COMPARE, Stage.CORRELATE, Stage.INVESTIGATE]

SIGNALS = {Signal.ALERTS: collect_alerts, Signal.LOGS: collect_logs, Signal.TRACES: collect_traces}


@flow(
    name="scan-fleet",
    task_runner=ChosenTaskRunner(),
    persist_result=False,
    on_crashed=[close_shards],
    on_cancellation=[close_shards],
)
def scan_fleet(
    clusters: ClusterNames = [],
    selector: dict[str, str] = {},
    last_hours: Hours = 24,
    until: datetime | None = None,
    sensitivity: Sensitivity = Sensitivity.MEDIUM,
    pack: str | None = None,
    report: bool = True,
) -> State[None]:
    """Scan clusters for anomalies and investigate what is found.

    Every cluster is judged on its own, and then beside its like: one that cannot be reached is a gap of the result and
    nothing else.
    What is stored already is not asked for again.
    Above 50 clusters, shards of at most 50 run as flow runs of their own.

    Args:
        clusters: Names of clusters; empty means every active cluster.
        selector: Labels that a cluster must have; name, environment and region count as labels.
        last_hours: Length of the window in hours, 1 to 168.
        until: End of the window, UTC; by default the last full hour before the run's start.
        sensitivity: Expected false findings per cluster-day of 5,000 series: LOW 0.1, MEDIUM 0.5, HIGH 2, EXTREME 10.
        pack: Path of a query pack on the worker; by default the cluster health pack.
        report: Write a report on this scan and link it in the run's artifacts.
    """
    scan_id, names = open_scan(
        clusters, selector, last_hours, until, sensitivity, pack, os.environ.get(SECOND_LOOKS, "")
    )
    progress = Progress([*JUDGING, *EXPLAINING])
    judged = whole_or_in_shards(partial(judge_clusters, progress), judge_shard, names, scan_id=scan_id)
    seen = {cluster_id: names[cluster_id] for cluster_id in judged.seen}
    compared = compare_fleet(scan_id, seen, progress)
    explained = whole_or_in_shards(partial(explain_clusters, progress), explain_shard, seen, scan_id=scan_id)
    fleet = judged.then(compared).then(explained)
    state = fleet.conclude()
    close_scan(scan_id, scan_state(state), fleet.counts, fleet.seen)
    publish_coverage(scan_id, fleet.gaps_by_name())
    publish_findings(scan_id)
    if report and fleet.seen:
        publish_report(write_report(ReportKind.FLEET, scan_id, [], None))
    return state


@flow(name="judge-shard", task_runner=ChosenTaskRunner(), persist_result=False)
def judge_shard(scan_id: str, cluster_ids: list[str]) -> State[None]:
    """Judge a part of a large fleet, for the run that started this one.

    Args:
        scan_id: Id of the scan, which is that run's.
        cluster_ids: Ids of the clusters.
    """
    return hand_in(judge_clusters(Progress(JUDGING), name_clusters(cluster_ids), scan_id))


@flow(name="explain-shard", task_runner=ChosenTaskRunner(), persist_result=False)
def explain_shard(scan_id: str, cluster_ids: list[str]) -> State[None]:
    """Explain what was found in a part of a large fleet, for the run that started this one.

    Args:
        scan_id: Id of the scan, which is that run's.
        cluster_ids: Ids of clusters that were judged.
    """
    return hand_in(explain_clusters(Progress(EXPLAINING), name_clusters(cluster_ids), scan_id))


def judge_clusters(progress: Progress, names: dict[str, str], scan_id: str) -> FleetOutcome:
    """What is collected of clusters, by id and name, and found in each; seen are those that were judged."""
    fleet = FanOut(names, progress)
    fleet.run(Stage.DISCOVER, discover_cluster, list(names))
    sources = find_sources(scan_id, list(names))
    metrics = fleet.start(Stage.COLLECT, [(collect_metrics, list(names))], scan_id=scan_id)
    # Behind the metrics, beside what is made of them: other servers are asked, and waited for.
    asked = [(task, sources[signal]) for signal, task in SIGNALS.items()]
    signals = fleet.start(Stage.SIGNALS, asked, scan_id=scan_id)
    seen = fleet.finish(metrics)
    fleet.run(Stage.LEARN, collect_history, seen, scan_id=scan_id)
    fleet.run(Stage.LEARN, learn_baselines, seen, scan_id=scan_id)
    judged = fleet.run(Stage.DETECT, detect_anomalies, seen, scan_id=scan_id)
    fleet.finish(signals)
    return fleet.outcome(judged)


def compare_fleet(scan_id: str, names: dict[str, str], progress: Progress) -> FleetOutcome:
    """Compare the clusters that were judged with their like; a few have none that could tell.

    A failure is a gap of all of them: what was found in each stands.
    """
    gaps: dict[str, list[str]] = {}
    counts = {"compared": 0}
    if len(names) >= MIN_MEMBERS:
        state = compare_clusters(scan_id, list(names), return_state=True)
        if state.is_completed():
            counts = state.result()
        else:
            gaps = {cluster_id: [f"{Stage.COMPARE.value} failed: {reason_of(state)}"] for cluster_id in names}
    progress.advance(Stage.COMPARE, len(names), len(names))
    return FleetOutcome(names=names, seen=list(names), gaps=gaps, counts=counts)


def explain_clusters(progress: Progress, names: dict[str, str], scan_id: str) -> FleetOutcome:
    """What is made of the findings in clusters, by id and name, that were judged."""
    fleet = FanOut(names, progress)
    correlated = fleet.run(Stage.CORRELATE, correlate_findings, list(names), scan_id=scan_id)
    fleet.run(Stage.INVESTIGATE, investigate_incidents, correlated, scan_id=scan_id)
    return fleet.outcome(correlated)
