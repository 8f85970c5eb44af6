"""What a look could not see is compared with the last look that saw it: a gap between two looks loses no change."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from fleet.inventory.differences.looks import GROUPS, Looks
from fleet.inventory.inventory import Inventory, Presence


def _workloads(kind: str) -> Callable[[Inventory], dict[str, Any]]:
    return lambda look: {"workloads": [each for each in look.workloads if each.kind == kind]}


def _fields(*names: str) -> Callable[[Inventory], dict[str, Any]]:
    return lambda look: {name: getattr(look, name) for name in names}


_BUILT_IN: Mapping[str, Callable[[Inventory], dict[str, Any]]] = {
    "version": _fields("version"),
    "nodes": _fields("nodes"),
    "deployments": _workloads("Deployment"),
    "statefulsets": _workloads("StatefulSet"),
    "daemonsets": _workloads("DaemonSet"),
}
_CUSTOM: Mapping[str, Callable[[Inventory], dict[str, Any]]] = {
    "clusterversions": _fields("platform_version", "platform_target", "version_history"),
    "clusteroperators": _fields("cluster_operators"),
    "machineconfigpools": _fields("machine_config_pools"),
    "performanceprofiles": _fields("performance_profiles"),
    "subscriptions": _fields("operators"),
    "clusterserviceversions": _fields("operators"),
    "clusterpolicies": _fields("gpu_policies"),
    "sriovnetworknodestates": _fields("sriov_nodes"),
    "ptpconfigs": _fields("ptp_profiles"),
    "nodeptpdevices": _fields("ptp_devices"),
    "storageclusters": _fields("storage_systems"),
    "cephclusters": _fields("storage_systems"),
}
_PARTS = {**_BUILT_IN, **_CUSTOM}
"""What an inventory holds of each part."""
_JOINED = frozenset({"subscriptions", "clusterserviceversions"})
"""Of these nothing is compared unless both were read."""


def missed_parts(before: Inventory, after: Inventory) -> frozenset[str]:
    """Parts of which the look before saw nothing for a gap, and the later one all.

    Of what it saw in part, that was compared already.
    """
    lost, blind = {gap.part for gap in before.gaps}, {gap.part for gap in after.gaps}
    if GROUPS in lost:
        lost |= _CUSTOM.keys()
    if GROUPS in blind:
        blind |= _CUSTOM.keys()
    return frozenset(
        part
        for part in (lost - blind) & _PARTS.keys()
        if part in _JOINED or not any(value for value in _PARTS[part](before).values())
    )


def needed_whole(part: str) -> tuple[str, ...]:
    """The parts without gaps by which an inventory is known to have seen a part whole."""
    joined = sorted(_JOINED) if part in _JOINED else [part]
    return (*joined, GROUPS) if part in _CUSTOM else tuple(joined)


def over_the_gap(older: Mapping[str, Inventory], before: Inventory, after: Inventory) -> list[Looks]:
    """Pairs of looks at nothing but what the look between them missed.

    Args:
        older: by missed part, the last look that saw it.
        before: the look that missed them.
        after: the look that sees them again.
    """
    unknown = {each.name for each in before.capabilities if each.presence is Presence.UNKNOWN}
    found: list[Looks] = []
    for at in sorted({look.observed_at for look in older.values()}, reverse=True):
        look = next(each for each in older.values() if each.observed_at == at)
        parts = [part for part, each in older.items() if each.observed_at == at]
        known = {name for name in unknown if look.presence(name) is not Presence.UNKNOWN}
        unknown -= known
        found.append(Looks(_glimpse(look, parts, known), _glimpse(after, parts, known)))
    return found


def _glimpse(look: Inventory, parts: Collection[str], capabilities: Collection[str]) -> Inventory:
    held: dict[str, Any] = {}
    for part in sorted(parts):
        for name, value in _PARTS[part](look).items():
            # Workloads come in parts by kind; a field that two parts make together is there once.
            held[name] = [*held[name], *value] if name == "workloads" and name in held else value
    return Inventory(
        cluster_id=look.cluster_id,
        observed_at=look.observed_at,
        platform=look.platform,
        capabilities=[each for each in look.capabilities if each.name in capabilities],
        changes=look.changes,
        gaps=look.gaps,
        **held,
    )
