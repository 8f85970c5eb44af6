"""What the API server adds to new objects of some kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simulator.kubernetes import crds
from simulator.kubernetes.meta import Object
from simulator.kubernetes.resources import Resource
from simulator.randomness import uniforms


def complete(resource: Resource, item: Object, now: str) -> None:
    """Adds to a new object what the server adds to its kind.

    Args:
        resource: its kind.
        item: the object, which is changed.
        now: RFC 3339.
    """
    adding = _COMPLETED.get((resource.group, resource.plural))
    if adding is not None:
        adding(item, now)


def _complete_namespace(item: Object, now: str) -> None:
    item["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = item["metadata"]["name"]
    item["spec"] = {"finalizers": ["kubernetes"]}
    item["status"] = {"phase": "Active"}


def _complete_pod(item: Object, now: str) -> None:
    spec = item["spec"]
    _complete_pod_spec(spec)
    spec.setdefault("serviceAccountName", "default")
    requested = any((each.get("resources") or {}) for each in spec["containers"])
    item["status"] = {"phase": "Pending", "qosClass": "Burstable" if requested else "BestEffort"}


def _complete_pod_spec(spec: Object) -> None:
    for name, value in (
        ("restartPolicy", "Always"),
        ("terminationGracePeriodSeconds", 30),
        ("dnsPolicy", "ClusterFirst"),
        ("securityContext", {}),
        ("schedulerName", "default-scheduler"),
    ):
        spec.setdefault(name, value)
    for each in spec.get("containers") or ():
        each.setdefault("resources", {})
        each.setdefault("terminationMessagePath", "/dev/termination-log")
        each.setdefault("terminationMessagePolicy", "File")
        each.setdefault("imagePullPolicy", "IfNotPresent")
        for port in each.get("ports") or ():
            port.setdefault("protocol", "TCP")


def _complete_workload(item: Object, now: str) -> None:
    spec = item["spec"]
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    _complete_pod_spec(spec["template"].setdefault("spec", {}))
    item["status"] = {}


def _complete_daemon_set(item: Object, now: str) -> None:
    item["spec"].setdefault("revisionHistoryLimit", 10)
    _complete_pod_spec(item["spec"]["template"].setdefault("spec", {}))
    counts = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")
    item["status"] = dict.fromkeys(counts, 0)


def _complete_service(item: Object, now: str) -> None:
    spec = item.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))
    if spec["type"] != "ExternalName":
        low, high, *_ = uniforms(item["metadata"]["namespace"], item["metadata"]["name"], now)
        spec.setdefault("clusterIP", f"10.96.{int(low * 250)}.{int(high * 250) + 2}")
        spec.setdefault("clusterIPs", [spec["clusterIP"]])
    item["status"] = {"loadBalancer": {}}


def _complete_node(item: Object, now: str) -> None:
    item.setdefault("spec", {})
    status = item.setdefault("status", {})
    status.setdefault("daemonEndpoints", {"kubeletEndpoint": {"Port": 0}})
    empty = (
        "machineID",
        "systemUUID",
        "bootID",
        "kernelVersion",
        "osImage",
        "containerRuntimeVersion",
        "kubeletVersion",
        "kubeProxyVersion",
        "operatingSystem",
        "architecture",
    )
    status["nodeInfo"] = {**dict.fromkeys(empty, ""), **(status.get("nodeInfo") or {})}


_COMPLETED: Mapping[tuple[str, str], Callable[[Object, str], None]] = {
    ("", "namespaces"): _complete_namespace,
    ("", "nodes"): _complete_node,
    ("", "pods"): _complete_pod,
    ("", "services"): _complete_service,
    ("apps", "daemonsets"): _complete_daemon_set,
    **{("apps", plural): _complete_workload for plural in ("deployments", "replicasets", "statefulsets")},
    crds.CRDS: crds.completed,
}
