"""All differences of two inventories, and what else the later one tells of the time between."""

from __future__ import annotations

from fleet.inventory.change import HAPPENINGS, Change
from fleet.inventory.differences.hardware import hardware
from fleet.inventory.differences.looks import Looks
from fleet.inventory.differences.nodes import nodes
from fleet.inventory.differences.operators import capabilities, operators
from fleet.inventory.differences.platform import platform
from fleet.inventory.differences.workloads import workloads
from fleet.inventory.inventory import Inventory


def differences(before: Inventory, after: Inventory) -> list[Change]:
    """What is different in ``after``: versions, platform, nodes, capabilities, operators, hardware, workloads.

    A change carries the time that its object tells, where that lies between the looks; otherwise the time of the later
    look, and of the earlier one in ``not_before``. What either of them could not see is no difference: nothing appears
    or vanishes in a part that has a gap, and nothing comes from or goes to unknown.

    Raises:
        ValueError: the inventories are of two clusters.
    """
    if before.cluster_id != after.cluster_id:
        raise ValueError(f"inventories of two clusters: {before.cluster_id} and {after.cluster_id}")
    looks = Looks(before, after)
    return [
        change for part in (platform, nodes, capabilities, operators, hardware, workloads) for change in part(looks)
    ]


def changes_since(before: Inventory, after: Inventory) -> list[Change]:
    """What changed in the cluster since the look before, by time: differences, and what the cluster dated itself.

    Single kills, restarts and warnings are not among them.

    Raises:
        ValueError: the inventories are of two clusters.
    """
    known = {change.id for change in before.changes}
    dated = [
        change
        for change in after.changes
        if change.kind not in HAPPENINGS and change.at > before.observed_at and change.id not in known
    ]
    every = {change.id: change for change in [*dated, *differences(before, after)]}
    return sorted(every.values(), key=lambda change: (change.at, change.kind, change.subject.identity, change.id))
