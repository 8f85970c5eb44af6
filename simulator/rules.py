"""Prometheus' rules over a simulated cluster: their states follow from the faults, as the metrics and alerts do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.cluster import SimulatedCluster
from simulator.effects import ALERTS, Alert
from simulator.faults import Fault
from simulator.truth import rfc3339

_INTERVAL_SECONDS = 30
_FRACTION = ".702306643Z"
"""Of the second in which groups are evaluated."""


@dataclass(frozen=True)
class RecordingRule:
    """A query whose value is kept under a name."""

    name: str
    query: str


@dataclass(frozen=True)
class AlertingRule:
    """A query whose series become alerts once they lasted ``for_seconds``; ``value`` is theirs while they do.

    ``alert`` is the one of the cluster's faults that it tells of; None for a rule that never fires here.
    """

    name: str
    query: str
    for_seconds: int
    severity: str
    summary: str
    description: str
    value: float = 1.0
    alert: Alert | None = None


@dataclass(frozen=True)
class Group:
    """Rules that are evaluated one after the other."""

    name: str
    rules: tuple[RecordingRule | AlertingRule, ...]


_OF_FAULTS = {alert.name: alert for alert in ALERTS}
_GROUPS = (
    Group(
        "general.rules",
        (
            AlertingRule(
                "TargetDown",
                "100 * (count by (job, namespace, service) (up == 0) / count by (job, namespace, service) (up)) > 10",
                600,
                "warning",
                "Some targets were not reachable from the monitoring server for an extended period of time.",
                "{{ $value }}% of the targets in {{ $labels.namespace }} namespace have been unreachable.",
                25.0,
                _OF_FAULTS["TargetDown"],
            ),
        ),
    ),
    Group(
        "kubernetes-apps",
        (
            AlertingRule(
                "KubePodCrashLooping",
                'max_over_time(kube_pod_container_status_waiting_reason{reason="CrashLoopBackOff"}[5m]) >= 1',
                900,
                "warning",
                "Pod is crash looping.",
                "Pod {{ $labels.namespace }}/{{ $labels.pod }} is in waiting state.",
            ),
        ),
    ),
    Group(
        "kubernetes-resources",
        (
            RecordingRule(
                "namespace_cpu:kube_pod_container_resource_limits:sum",
                'sum by (namespace, cluster) (kube_pod_container_resource_limits{resource="cpu"})',
            ),
            AlertingRule(
                "CPUThrottlingHigh",
                "sum by (container, pod, namespace) (increase(container_cpu_cfs_throttled_periods_total[5m])) / "
                "sum by (container, pod, namespace) (increase(container_cpu_cfs_periods_total[5m])) > (25 / 100)",
                900,
                "info",
                "Processes experience elevated CPU throttling.",
                "{{ $value | humanizePercentage }} throttling of CPU in namespace {{ $labels.namespace }}.",
                0.5,
                _OF_FAULTS["CPUThrottlingHigh"],
            ),
        ),
    ),
    Group(
        "node-exporter",
        (
            RecordingRule(
                "instance:node_cpu_utilisation:rate5m",
                '1 - avg without (cpu) (sum without (mode) (rate(node_cpu_seconds_total{mode=~"idle|iowait"}[5m])))',
            ),
            AlertingRule(
                "NodeFilesystemAlmostOutOfSpace",
                "node_filesystem_avail_bytes / node_filesystem_size_bytes * 100 < 3",
                1800,
                "critical",
                "Filesystem has less than 3% space left.",
                "A file system of the cluster has only {{ $value }}% space left.",
                2.8,
                _OF_FAULTS["NodeFilesystemAlmostOutOfSpace"],
            ),
        ),
    ),
)
_RULES = {rule.name: rule for group in _GROUPS for rule in group.rules if isinstance(rule, AlertingRule)}


def summary_of(alert: str) -> str:
    """What an alert says of itself in short."""
    return _RULES[alert].summary


def rule_groups(cluster: SimulatedCluster, kind: str = "") -> list[dict[str, Any]]:
    """The groups as ``/api/v1/rules`` shows them; of one kind only where that is ``alert`` or ``record``."""
    kinds = {"alert": AlertingRule, "record": RecordingRule}
    wanted = kinds.get(kind, (AlertingRule, RecordingRule))
    at = cluster.observed_at() // _INTERVAL_SECONDS * _INTERVAL_SECONDS
    found = []
    for group in _GROUPS:
        rules = [_document(cluster, rule, at) for rule in group.rules if isinstance(rule, wanted)]
        if rules:
            found.append(
                {
                    "name": group.name,
                    "file": f"/etc/prometheus/rules/prometheus-k8s-rulefiles-0/{group.name}.yaml",
                    "rules": rules,
                    "interval": _INTERVAL_SECONDS,
                    "limit": 0,
                    "evaluationTime": 0.0016,
                    "lastEvaluation": _evaluated(at),
                }
            )
    return found


def pending_and_firing(cluster: SimulatedCluster) -> list[dict[str, Any]]:
    """The alerts as ``/api/v1/alerts`` shows them."""
    at = cluster.observed_at()
    return [alert for rule in _RULES.values() for alert in _alerts(cluster, rule, at)]


def _document(cluster: SimulatedCluster, rule: RecordingRule | AlertingRule, at: float) -> dict[str, Any]:
    evaluated = {"health": "ok", "evaluationTime": 0.000574766, "lastEvaluation": _evaluated(at)}
    if isinstance(rule, RecordingRule):
        return {"name": rule.name, "query": rule.query, **evaluated, "type": "recording"}
    alerts = list(_alerts(cluster, rule, cluster.observed_at()))
    states = {each["state"] for each in alerts}
    return {
        "state": "firing" if "firing" in states else "pending" if states else "inactive",
        "name": rule.name,
        "query": rule.query,
        "duration": rule.for_seconds,
        "keepFiringFor": 0,
        "labels": {"severity": rule.severity},
        "annotations": {"description": rule.description, "summary": rule.summary},
        "alerts": alerts,
        **evaluated,
        "type": "alerting",
    }


def _alerts(cluster: SimulatedCluster, rule: AlertingRule, at: float) -> Iterator[dict[str, Any]]:
    for fault in cluster.timeline.story.faults:
        if rule.alert is None or fault.kind is not rule.alert.kind:
            continue
        fires = fault.start + rule.alert.after
        begins = fires - rule.for_seconds
        if begins <= at < fault.end:
            namespace = _namespace(cluster, fault)
            labels = {"alertname": rule.name, "namespace": namespace, "severity": rule.severity}
            yield {
                "labels": labels,
                "annotations": {"description": _expanded(rule, labels), "summary": rule.summary},
                "state": "firing" if at >= fires else "pending",
                "activeAt": _evaluated(begins),
                "value": exponent_form(rule.value),
            }


def _namespace(cluster: SimulatedCluster, fault: Fault) -> str:
    return fault.workload.namespace if fault.workload else cluster.layout.monitoring_namespace


def _expanded(rule: AlertingRule, labels: dict[str, str]) -> str:
    text = rule.description.replace("{{ $value | humanizePercentage }}", f"{rule.value:.2%}")
    text = text.replace("{{ $value }}", f"{rule.value:g}")
    return text.replace("{{ $labels.namespace }}", labels["namespace"])


def _evaluated(at: float) -> str:
    return rfc3339(at)[:-1] + _FRACTION


def exponent_form(value: float) -> str:
    """A number as Go writes it with an exponent: ``1e+00``."""
    return np.format_float_scientific(value, trim="-", exp_digits=2)
