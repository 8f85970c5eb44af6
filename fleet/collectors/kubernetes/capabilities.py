"""Capabilities, by the API groups that a cluster serves."""

from __future__ import annotations

import msgspec

from fleet.inventory.inventory import Capability, Presence

GROUPS: dict[str, tuple[str, ...]] = {
    "openshift": ("config.openshift.io",),
    "routes": ("route.openshift.io",),
    "olm": ("operators.coreos.com",),
    "prometheus-operator": ("monitoring.coreos.com",),
    "metrics": ("metrics.k8s.io",),
    "loki": ("loki.grafana.com",),
    "tempo": ("tempo.grafana.com",),
    "gpu-operator": ("nvidia.com",),
    "nfd": ("nfd.openshift.io", "nfd.k8s-sigs.io"),
    "sriov": ("sriovnetwork.openshift.io",),
    "ptp": ("ptp.openshift.io",),
    "multus": ("k8s.cni.cncf.io",),
    "performance-profiles": ("performance.openshift.io",),
    "ceph": ("ceph.rook.io",),
    "odf": ("ocs.openshift.io",),
    "acm": ("cluster.open-cluster-management.io",),
}
"""What each capability is told by: any one of its API groups."""


class Group(msgspec.Struct):
    """An API group's name."""

    name: str


class Groups(msgspec.Struct):
    """An APIGroupList: what ``/apis`` answers."""

    groups: list[Group] | None = None


def capabilities_of(answer: Groups) -> list[Capability]:
    """Every capability of the table as present or absent, with the group that says so."""
    groups = {group.name for group in answer.groups or []}
    capabilities: list[Capability] = []
    for name, wanted in GROUPS.items():
        served = [group for group in wanted if group in groups]
        capabilities.append(
            Capability(
                name=name,
                presence=Presence.PRESENT if served else Presence.ABSENT,
                reason=f"serves {served[0]}" if served else f"does not serve {' or '.join(wanted)}",
            )
        )
    return capabilities


def unknown_capabilities(reason: str) -> list[Capability]:
    """Every capability as unknown, since the groups could not be read."""
    return [Capability(name=name, presence=Presence.UNKNOWN, reason=reason) for name in GROUPS]
