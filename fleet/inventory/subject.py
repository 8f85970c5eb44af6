"""What a series, a finding, a change or a cause is about."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class SubjectKind(StrEnum):
    """Kinds of things in a cluster, from the whole to the part."""

    CLUSTER = "cluster"
    NODE = "node"
    NAMESPACE = "namespace"
    WORKLOAD = "workload"
    POD = "pod"
    CONTAINER = "container"
    DEVICE = "device"
    """A disk, file system, network interface, GPU or PTP clock of a node (``part`` names it)."""
    VOLUME = "volume"
    ROUTE = "route"
    COMPONENT = "component"
    """A control-plane part, operator, scrape job or queue."""


class Subject(BaseModel):
    """One thing of one cluster.

    ``name`` is the thing's own name (for CONTAINER the pod's; for DEVICE the node's) and ``part`` what lies
    inside it (the container, the device). ``workload`` is the owner of a pod or container where it is known;
    pods come and go, so identity rests on the workload.
    """

    model_config = ConfigDict(frozen=True)

    cluster_id: str
    kind: SubjectKind
    name: str = ""
    namespace: str | None = None
    workload: str | None = None
    part: str | None = None

    @property
    def identity(self) -> str:
        """The subject's name over time: pods are replaced by their workload."""
        return self._path(self.workload or self.name)

    @property
    def display(self) -> str:
        """The subject as a person reads it, for example ``container shop/cart-7d9f8-x2x1q/app``."""
        path = self._path(self.name, with_kind=False)
        # A device file's own slash begins a word: "node-1 /dev/vda".
        return f"{self.kind.value} {path}".replace("//", " /").strip()

    def _path(self, name: str, *, with_kind: bool = True) -> str:
        parts = [self.kind.value if with_kind else None, self.namespace, name or None, self.part]
        return "/".join(part for part in parts if part)
