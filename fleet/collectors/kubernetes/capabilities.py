"""Capabilities: what a cluster has, by what is really there, and what each of them rests on.

A missing API group is absence. A group without anything configured is installed and unused. A list that was refused or
did not come is unknown, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fleet.collectors.kubernetes.gpus import has_gpu_hardware
from fleet.collectors.kubernetes.kinds import (
    CEPH_CLUSTERS,
    CLUSTER_POLICIES,
    CLUSTER_SERVICE_VERSIONS,
    LOKI_STACKS,
    MANAGED_CLUSTERS,
    NETWORK_ATTACHMENTS,
    NODES,
    PERFORMANCE_PROFILES,
    PODS,
    PROMETHEUSES,
    PTP_CONFIGS,
    SRIOV_NODE_STATES,
    STORAGE_CLUSTERS,
    SUBSCRIPTIONS,
    TEMPO_MONOLITHICS,
    TEMPO_STACKS,
    Kind,
)
from fleet.collectors.kubernetes.nodes import HUGEPAGES
from fleet.collectors.kubernetes.parts import Parts
from fleet.inventory.inventory import Capability, Inventory, Pod, Presence

Verdict = tuple[Presence, str]

_BY_GROUP = {
    "openshift": "config.openshift.io",
    "routes": "route.openshift.io",
    "metrics": "metrics.k8s.io",
}
"""Where the group is all that there is to have."""
_BY_OBJECTS: dict[str, tuple[Kind, ...]] = {
    "olm": (SUBSCRIPTIONS, CLUSTER_SERVICE_VERSIONS),
    "prometheus-operator": (PROMETHEUSES,),
    "loki": (LOKI_STACKS,),
    "tempo": (TEMPO_STACKS, TEMPO_MONOLITHICS),
    "gpu-operator": (CLUSTER_POLICIES,),
    "multus": (NETWORK_ATTACHMENTS,),
    "performance-profiles": (PERFORMANCE_PROFILES,),
    "ceph": (CEPH_CLUSTERS,),
    "odf": (STORAGE_CLUSTERS,),
    "acm": (MANAGED_CLUSTERS,),
}
"""Where an object of one of the kinds shows that it is used."""
_NFD_GROUPS = ("nfd.openshift.io", "nfd.k8s-sigs.io", "nfd.kubernetes.io")
_NFD_LABELS = "feature.node.kubernetes.io/"
_DPDK_DRIVER = "vfio-pci"
_GPU_RESOURCES = ("nvidia.com/gpu", "nvidia.com/mig-")


@dataclass(frozen=True)
class _Seen:
    """What the verdicts rest on."""

    inventory: Inventory
    parts: Parts

    def gap(self, *kinds: Kind) -> str:
        """Why one of the kinds could not be read whole, or ""."""
        wanted = {kind.plural for kind in kinds}
        return next((gap.reason for gap in self.inventory.gaps if gap.part in wanted), "")

    def groups_gap(self) -> str:
        """Why nobody knows which groups there are."""
        return next((gap.reason for gap in self.inventory.gaps if gap.part == "capabilities"), "")

    def serves(self, group: str) -> bool:
        return self.parts.groups is not None and self.parts.groups.serves(group)


def capabilities_of(inventory: Inventory, parts: Parts) -> list[Capability]:
    """Every capability with its presence and what that rests on; all else must have been read before."""
    seen = _Seen(inventory, parts)
    verdicts: dict[str, Verdict] = {name: _by_group(seen, group) for name, group in _BY_GROUP.items()}
    verdicts |= {name: _by_objects(seen, kinds) for name, kinds in _BY_OBJECTS.items()}
    verdicts |= {name: judge(seen) for name, judge in _BY_EVIDENCE.items()}
    return [Capability(name=name, presence=found[0], reason=found[1]) for name, found in verdicts.items()]


def _by_group(seen: _Seen, group: str) -> Verdict:
    if seen.parts.groups is None:
        return Presence.UNKNOWN, seen.groups_gap()
    if seen.serves(group):
        return Presence.PRESENT, f"serves {group}"
    return Presence.ABSENT, f"does not serve {group}"


def _by_objects(seen: _Seen, kinds: tuple[Kind, ...]) -> Verdict:
    missing = _not_there(seen, kinds)
    if missing is not None:
        return missing
    counted = [f"{number} {kind.plural}" for kind in kinds if (number := seen.parts.counts.get(kind.plural, 0))]
    if counted:
        return Presence.PRESENT, ", ".join(counted)
    gap = seen.gap(*kinds)
    if gap:
        return Presence.UNKNOWN, gap
    return Presence.UNUSED, f"installed, not used: there are no {' or '.join(kind.plural for kind in kinds)}"


def _not_there(seen: _Seen, kinds: tuple[Kind, ...]) -> Verdict | None:
    """That the kinds' group is unknown or missing, or serves none of them."""
    group = kinds[0].group
    found = _by_group(seen, group)
    if found[0] is not Presence.PRESENT:
        return found
    if all(kind.plural in seen.parts.absent for kind in kinds):
        return Presence.ABSENT, f"serves {group} without {' and '.join(kind.plural for kind in kinds)}"
    return None


def _sriov(seen: _Seen) -> Verdict:
    missing = _not_there(seen, (SRIOV_NODE_STATES,))
    if missing is not None:
        return missing
    nodes = [node for node in seen.inventory.sriov_nodes if node.vfs]
    if nodes:
        return (
            Presence.PRESENT,
            f"{_counted(sum(node.vfs for node in nodes), 'virtual function')} on {_counted(len(nodes), 'node')}",
        )
    return _unused(seen, SRIOV_NODE_STATES, "no node has virtual functions")


def _ptp(seen: _Seen) -> Verdict:
    missing = _not_there(seen, (PTP_CONFIGS,))
    if missing is not None:
        return missing
    matched = {node for profile in seen.inventory.ptp_profiles for node in profile.nodes}
    if matched:
        used = sum(bool(profile.nodes) for profile in seen.inventory.ptp_profiles)
        return Presence.PRESENT, f"{_counted(used, 'profile')} matched to {_counted(len(matched), 'node')}"
    return _unused(seen, PTP_CONFIGS, "no profile is matched to a node")


def _nfd(seen: _Seen) -> Verdict:
    labelled = sum(any(key.startswith(_NFD_LABELS) for key in node.labels) for node in seen.inventory.nodes)
    if labelled:
        return Presence.PRESENT, f"labels features on {_counted(labelled, 'node')}"
    served = [group for group in _NFD_GROUPS if seen.serves(group)]
    if seen.parts.groups is None:
        return Presence.UNKNOWN, seen.groups_gap()
    if not served:
        return Presence.ABSENT, f"does not serve {' or '.join(_NFD_GROUPS)}"
    return _unused(seen, NODES, f"serves {served[0]}, but no node has its labels")


def _gpus(seen: _Seen) -> Verdict:
    nodes = [node for node in seen.inventory.nodes if node.gpus is not None]
    if nodes:
        total = sum(node.gpus.count for node in nodes if node.gpus is not None)
        return Presence.PRESENT, f"{total} on {_counted(len(nodes), 'node')}"
    gap = seen.gap(NODES)
    if gap:
        return Presence.UNKNOWN, gap
    hardware = sum(has_gpu_hardware(node.labels) for node in seen.inventory.nodes)
    if hardware:
        return Presence.UNUSED, f"{_counted(hardware, 'node')} with NVIDIA hardware that no device plugin offers"
    return Presence.ABSENT, "no node has any"


def _hugepages(seen: _Seen) -> Verdict:
    nodes = [node for node in seen.inventory.nodes if node.hugepages_bytes]
    if nodes:
        sizes = sorted({size for node in nodes for size in node.hugepages_bytes})
        return Presence.PRESENT, f"{' and '.join(sizes)} pages on {_counted(len(nodes), 'node')}"
    gap = seen.gap(NODES)
    return (Presence.UNKNOWN, gap) if gap else (Presence.ABSENT, "no node offers any")


def _dpdk(seen: _Seen) -> Verdict:
    """DPDK needs huge pages and a device of its own; a pod that asks for both is one that uses it."""
    taking = sum(map(_takes_pages_and_device, seen.inventory.pods))
    if taking:
        return Presence.PRESENT, f"huge pages and a network device are taken by {_counted(taking, 'pod')}"
    gap = seen.gap(NODES, PODS)
    if gap:
        return Presence.UNKNOWN, gap
    bound = sum(
        interface.vf_drivers.get(_DPDK_DRIVER, 0)
        for node in seen.inventory.sriov_nodes
        for interface in node.interfaces
    )
    if bound:
        return Presence.UNUSED, f"{bound} virtual functions have the driver {_DPDK_DRIVER}, and no pod takes one"
    gap = seen.gap(SRIOV_NODE_STATES) or seen.groups_gap()
    return (Presence.UNKNOWN, gap) if gap else (Presence.ABSENT, "no pod takes huge pages and a network device")


def _takes_pages_and_device(pod: Pod) -> bool:
    pages = any(name.startswith(HUGEPAGES) for name in pod.devices)
    return pages and any("/" in name and not name.startswith(_GPU_RESOURCES) for name in pod.devices)


def _unused(seen: _Seen, kind: Kind, why: str) -> Verdict:
    gap = seen.gap(kind)
    return (Presence.UNKNOWN, gap) if gap else (Presence.UNUSED, f"installed, not used: {why}")


def _counted(number: int, word: str) -> str:
    return f"1 {word}" if number == 1 else f"{number} {word}s"


_BY_EVIDENCE: dict[str, Callable[[_Seen], Verdict]] = {
    "sriov": _sriov,
    "ptp": _ptp,
    "nfd": _nfd,
    "gpus": _gpus,
    "hugepages": _hugepages,
    "dpdk": _dpdk,
}
