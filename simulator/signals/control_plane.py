"""Signals about the control plane, cluster DNS and the cluster's operators."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.signals.row import Catalogue, Row
from simulator.timeline import Timeline

CONTROL_PLANE = Catalogue()
_OPERATORS = ("authentication", "console", "dns", "etcd", "ingress", "monitoring", "network", "storage")
_STORED = {
    "configmaps": 900,
    "events": 2400,
    "leases.coordination.k8s.io": 120,
    "pods": 260,
    "replicasets.apps": 640,
    "secrets": 1100,
}
_CONTROLLERS = ("deployment", "endpoint_slice", "garbage_collector_attempt_to_delete", "job", "replicaset")


@CONTROL_PLANE.signal("dns_p99")
def _dns_p99(timeline: Timeline) -> Iterator[Row]:
    yield Row({"component": "dns"}, 0.012, daily=0.1, noise=0.1, wander=0.1)


@CONTROL_PLANE.signal("apiserver_p99")
def _apiserver_p99(timeline: Timeline) -> Iterator[Row]:
    for verb, level in (("GET", 0.03), ("LIST", 0.12), ("PATCH", 0.06), ("POST", 0.05), ("PUT", 0.05)):
        yield Row({"component": "apiserver", "verb": verb}, level, daily=0.08, noise=0.08, wander=0.1)


@CONTROL_PLANE.ratio("apiserver_5xx_ratio")
def _apiserver_5xx_ratio(timeline: Timeline) -> Iterator[Row]:
    yield Row({"component": "apiserver"}, 0.0002, noise=0.3, wander=0.3)


@CONTROL_PLANE.signal("apf_rejected", decimals=4)
def _apf_rejected(timeline: Timeline) -> Iterator[Row]:
    for level in ("global-default", "workload-low"):
        yield Row({"priority_level": level}, 0.0)


def _etcd(timeline: Timeline) -> Iterator[dict[str, str]]:
    if timeline.layout.profile.control_plane_metrics:
        port = 9979 if timeline.layout.profile.openshift else 2381
        for node in timeline.layout.nodes:
            if node.control_plane:
                yield {"component": "etcd", "instance": f"{node.address}:{port}"}


@CONTROL_PLANE.signal("etcd_fsync_p99")
def _etcd_fsync_p99(timeline: Timeline) -> Iterator[Row]:
    for labels in _etcd(timeline):
        yield Row(labels, 0.0035, daily=0.05, noise=0.08, wander=0.08)


@CONTROL_PLANE.signal("etcd_commit_p99")
def _etcd_commit_p99(timeline: Timeline) -> Iterator[Row]:
    for labels in _etcd(timeline):
        yield Row(labels, 0.007, daily=0.05, noise=0.08, wander=0.08)


@CONTROL_PLANE.ratio("etcd_db_quota_ratio")
def _etcd_db_quota_ratio(timeline: Timeline) -> Iterator[Row]:
    for labels in _etcd(timeline):
        yield Row(labels, 0.021, wander=0.01)


def _with_control_plane(timeline: Timeline, *rows: Row) -> Iterator[Row]:
    if timeline.layout.profile.control_plane_metrics:
        yield from rows


@CONTROL_PLANE.state("etcd_has_leader")
def _etcd_has_leader(timeline: Timeline) -> Iterator[Row]:
    return _with_control_plane(timeline, Row({"job": "etcd"}, 1.0))


@CONTROL_PLANE.signal("etcd_leader_changes", decimals=4)
def _etcd_leader_changes(timeline: Timeline) -> Iterator[Row]:
    return _with_control_plane(timeline, Row({"job": "etcd"}, 0.0))


@CONTROL_PLANE.signal("scheduler_p99")
def _scheduler_p99(timeline: Timeline) -> Iterator[Row]:
    return _with_control_plane(timeline, Row({"component": "scheduler"}, 0.02, noise=0.15, wander=0.1))


@CONTROL_PLANE.signal("pending_pods", decimals=0)
def _pending_pods(timeline: Timeline) -> Iterator[Row]:
    queues = ("active", "backoff", "gated", "unschedulable")
    rows = (Row({"component": "scheduler", "queue": queue}, 0.0) for queue in queues)
    return _with_control_plane(timeline, *rows)


def _operators(timeline: Timeline, level: float) -> Iterator[Row]:
    if timeline.layout.profile.openshift:
        for name in _OPERATORS:
            yield Row({"name": name}, level)


@CONTROL_PLANE.state("operator_up")
def _operator_up(timeline: Timeline) -> Iterator[Row]:
    return _operators(timeline, 1.0)


@CONTROL_PLANE.state("operator_degraded")
def _operator_degraded(timeline: Timeline) -> Iterator[Row]:
    return _operators(timeline, 0.0)


@CONTROL_PLANE.ratio("dns_error_ratio")
def _dns_error_ratio(timeline: Timeline) -> Iterator[Row]:
    yield Row({"component": "dns"}, 0.0004, noise=0.25, wander=0.25)


@CONTROL_PLANE.signal("dns_forward_avg")
def _dns_forward_avg(timeline: Timeline) -> Iterator[Row]:
    yield Row({"component": "dns"}, 0.006, daily=0.1, noise=0.1, wander=0.12)


@CONTROL_PLANE.signal("etcd_request_avg")
def _etcd_request_avg(timeline: Timeline) -> Iterator[Row]:
    yield Row({"component": "etcd"}, 0.004, daily=0.05, noise=0.06, wander=0.08)


@CONTROL_PLANE.signal("etcd_peer_rtt_p99")
def _etcd_peer_rtt_p99(timeline: Timeline) -> Iterator[Row]:
    members = list(_etcd(timeline))
    for labels in members if len(members) > 1 else ():
        yield Row(labels, 0.012, daily=0.05, noise=0.1, wander=0.1)


@CONTROL_PLANE.signal("etcd_proposals_failed", decimals=4)
def _etcd_proposals_failed(timeline: Timeline) -> Iterator[Row]:
    for labels in _etcd(timeline):
        yield Row(labels, 0.0)


@CONTROL_PLANE.signal("storage_db_bytes", decimals=0)
def _storage_db_bytes(timeline: Timeline) -> Iterator[Row]:
    yield Row({"component": "etcd"}, 1.7e8, wander=0.01)


@CONTROL_PLANE.signal("stored_objects", decimals=0)
def _stored_objects(timeline: Timeline) -> Iterator[Row]:
    for resource, count in _STORED.items():
        yield Row({"component": "apiserver", "resource": resource}, count, daily=0.02, wander=0.01)


@CONTROL_PLANE.state("aggregated_api_down")
def _aggregated_api_down(timeline: Timeline) -> Iterator[Row]:
    names = ["v1.", "v1.apps", "v1beta1.metrics.k8s.io"]
    if timeline.layout.profile.openshift:
        names += ["v1.oauth.openshift.io", "v1.route.openshift.io"]
    for name in sorted(names):
        yield Row({"name": name}, 0.0)


@CONTROL_PLANE.ratio("webhook_slow_ratio")
def _webhook_slow_ratio(timeline: Timeline) -> Iterator[Row]:
    name = "prometheusrules.openshift.io" if timeline.layout.profile.openshift else "webhook.cert-manager.io"
    yield Row({"name": name}, 0.0)


@CONTROL_PLANE.signal("kcm_queue", decimals=0)
def _kcm_queue(timeline: Timeline) -> Iterator[Row]:
    rows = (Row({"component": "controller-manager", "name": name}, 0.0) for name in _CONTROLLERS)
    return _with_control_plane(timeline, *rows)


@CONTROL_PLANE.signal("client_cert_left", decimals=0)
def _client_cert_left(timeline: Timeline) -> Iterator[Row]:
    yield Row({"component": "apiserver"}, 172800.0)


@CONTROL_PLANE.signal("machine_config_degraded", decimals=0)
def _machine_config_degraded(timeline: Timeline) -> Iterator[Row]:
    for pool in ("master", "worker") if timeline.layout.profile.openshift else ():
        yield Row({"pool": pool}, 0.0)
