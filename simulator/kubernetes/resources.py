"""Which resources the API server has: groups, kinds, their objects, columns and selectable fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.cluster import SimulatedCluster
from simulator.kubernetes import tables
from simulator.kubernetes.event_forms import as_core, as_new
from simulator.kubernetes.events import events
from simulator.kubernetes.meta import Object
from simulator.kubernetes.nodes import namespaces, nodes
from simulator.kubernetes.objects.catalogue import custom_kinds_of
from simulator.kubernetes.objects.routes import config_maps
from simulator.kubernetes.objects.services import services
from simulator.kubernetes.pods import pods
from simulator.kubernetes.workloads import daemon_sets, deployments, replica_sets, stateful_sets
from simulator.layout import Profile

Objects = Callable[[SimulatedCluster, float], Iterable[Object]]
Fields = Mapping[str, Callable[[Object], str]]


@dataclass(frozen=True)
class Form:
    """How a resource shows objects that are kept as those of another kind.

    Attributes:
        kept_as: that kind: group and plural.
        shown: turns a kept object into the one that is shown.
        kept: turns what was written into what is kept.
    """

    kept_as: tuple[str, str]
    shown: Callable[[Object], Object]
    kept: Callable[[Object], Object]


@dataclass(frozen=True)
class Resource:
    """A kind of object that can be read.

    Attributes:
        objects: makes its objects as of a time (Unix seconds) that is one of the timeline's turns.
        custom: whether a CustomResourceDefinition stands behind it, so that list items carry kind and apiVersion.
        refreshed_seconds: how often its objects change by themselves beside the turns; None for never.
        with_status: whether the status is a subresource, which a write to the object itself leaves as it is.
        list_kind: the kind of its lists where it is not the kind with ``List`` behind it.
        converted: whether its objects are kept in another version than this one.
        schema: the OpenAPI schema of a custom resource; None where nothing is known of its form.
        form: where its objects are those of another kind in another form; cells and fields are read of those.
    """

    group: str
    version: str
    plural: str
    kind: str
    objects: Objects
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    columns: Sequence[tables.Column] = (("Name", "string", 0), ("Age", "string", 0))
    cells: tables.Cells = tables.plain_cells
    fields: Fields | None = None
    custom: bool = False
    refreshed_seconds: int | None = None
    with_status: bool = True
    list_kind: str = ""
    converted: bool = False
    schema: Mapping[str, Any] | None = field(default=None, compare=False)
    form: Form | None = None

    @property
    def group_version(self) -> str:
        """As it stands in ``apiVersion``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def selectable(self) -> Fields:
        """The fields that a field selector may name."""
        names: dict[str, Callable[[Object], str]] = {"metadata.name": lambda item: item["metadata"]["name"]}
        if self.namespaced:
            names["metadata.namespace"] = lambda item: item["metadata"]["namespace"]
        return {**names, **(self.fields or {})}


def _at(*path: str) -> Callable[[Object], str]:
    def read(item: Object) -> str:
        value: object = item
        for name in path:
            value = value.get(name, "") if isinstance(value, dict) else ""
        return str(value)

    return read


def _columns(text: str) -> Sequence[tables.Column]:
    """Columns from their names; ``*`` before a name: only shown when wide."""
    made = []
    for name in text.split(", "):
        whole = name.lstrip("*") in {"Restarts", "Up-to-date", "Available", "Desired", "Current"}
        made.append((name.lstrip("*"), "integer" if whole else "string", 1 if name.startswith("*") else 0))
    return made


_TEMPLATE = "*Containers, *Images, *Selector"
_EVENT_FIELDS: Fields = {
    **{
        f"involvedObject.{name}": _at("involvedObject", name)
        for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
    },
    "reason": _at("reason"),
    "type": _at("type"),
    "reportingComponent": _at("reportingComponent"),
    "source": _at("source", "component"),
}
_NEW_EVENT_FIELDS: Fields = {
    **{
        f"regarding.{name}": _at("involvedObject", name)
        for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
    },
    "reason": _at("reason"),
    "type": _at("type"),
    "reportingController": _at("reportingComponent"),
}
_EVENT_COLUMNS = _columns("Last Seen, Type, Reason, Object, *Subobject, *Source, Message, *First Seen, *Count, *Name")
_POD_FIELDS: Fields = {
    "spec.nodeName": _at("spec", "nodeName"),
    "spec.restartPolicy": _at("spec", "restartPolicy"),
    "spec.schedulerName": _at("spec", "schedulerName"),
    "spec.serviceAccountName": _at("spec", "serviceAccountName"),
    "status.phase": _at("status", "phase"),
    "status.podIP": _at("status", "podIP"),
}

_BUILT_IN = (
    Resource(
        "",
        "v1",
        "events",
        "Event",
        events,
        short_names=("ev",),
        columns=_EVENT_COLUMNS,
        cells=tables.event_cells,
        fields=_EVENT_FIELDS,
        refreshed_seconds=1,
    ),
    Resource(
        "",
        "v1",
        "namespaces",
        "Namespace",
        namespaces,
        namespaced=False,
        short_names=("ns",),
        columns=_columns("Name, Status, Age"),
        cells=tables.namespace_cells,
        fields={"status.phase": _at("status", "phase")},
    ),
    Resource(
        "",
        "v1",
        "nodes",
        "Node",
        nodes,
        namespaced=False,
        short_names=("no",),
        columns=_columns(
            "Name, Status, Roles, Age, Version, *Internal-IP, *External-IP, *OS-Image, *Kernel-Version, "
            "*Container-Runtime"
        ),
        cells=tables.node_cells,
        fields={"spec.unschedulable": _at("spec", "unschedulable")},
        refreshed_seconds=300,
    ),
    Resource(
        "",
        "v1",
        "pods",
        "Pod",
        pods,
        short_names=("po",),
        columns=_columns("Name, Ready, Status, Restarts, Age, *IP, *Node, *Nominated Node, *Readiness Gates"),
        cells=tables.pod_cells,
        fields=_POD_FIELDS,
    ),
    Resource("", "v1", "configmaps", "ConfigMap", config_maps, short_names=("cm",)),
    Resource("", "v1", "services", "Service", services, short_names=("svc",)),
    Resource(
        "apps",
        "v1",
        "daemonsets",
        "DaemonSet",
        daemon_sets,
        short_names=("ds",),
        columns=_columns(f"Name, Desired, Current, Ready, Up-to-date, Available, Node Selector, Age, {_TEMPLATE}"),
        cells=tables.daemon_set_cells,
    ),
    Resource(
        "apps",
        "v1",
        "deployments",
        "Deployment",
        deployments,
        short_names=("deploy",),
        columns=_columns(f"Name, Ready, Up-to-date, Available, Age, {_TEMPLATE}"),
        cells=tables.deployment_cells,
    ),
    Resource(
        "apps",
        "v1",
        "replicasets",
        "ReplicaSet",
        replica_sets,
        short_names=("rs",),
        columns=_columns(f"Name, Desired, Current, Ready, Age, {_TEMPLATE}"),
        cells=tables.replica_set_cells,
    ),
    Resource(
        "apps",
        "v1",
        "statefulsets",
        "StatefulSet",
        stateful_sets,
        short_names=("sts",),
        columns=_columns("Name, Ready, Age, *Containers, *Images"),
        cells=tables.stateful_set_cells,
    ),
    Resource(
        "events.k8s.io",
        "v1",
        "events",
        "Event",
        events,
        short_names=("ev",),
        columns=_EVENT_COLUMNS,
        cells=tables.event_cells,
        fields=_NEW_EVENT_FIELDS,
        refreshed_seconds=1,
        form=Form(("", "events"), as_new, as_core),
    ),
)


def resources_of(profile: Profile) -> tuple[Resource, ...]:
    """The resources of a kind of cluster."""
    custom = (
        Resource(
            each.group,
            each.version,
            each.plural,
            each.kind,
            each.objects,
            each.namespaced,
            each.short_names,
            custom=not each.aggregated,
        )
        for each in custom_kinds_of(profile)
    )
    return (*_BUILT_IN, *custom)
