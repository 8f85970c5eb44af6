"""All differences of two inventories, and what else the later one tells of the time between."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from fleet.inventory.change import HAPPENINGS, Change
from fleet.inventory.differences.hardware import hardware
from fleet.inventory.differences.looks import Looks
from fleet.inventory.differences.missed import over_the_gap
from fleet.inventory.differences.nodes import nodes
from fleet.inventory.differences.operators import capabilities, operators
from fleet.inventory.differences.platform import platform
from fleet.inventory.differences.workloads import workloads
from fleet.inventory.inventory import Inventory

_NONE: Mapping[str, Inventory] = MappingProxyType({})
_CLOCKS_APART = timedelta(minutes=5)
"""A cluster's clock may be behind ours: what it dates before the last look may have come after it."""


def differences(before: Inventory, after: Inventory, *, older: Mapping[str, Inventory] = _NONE) -> list[Change]:
    """What is different in ``after``: versions, platform, nodes, capabilities, operators, hardware, workloads.

    A change carries the time that its object tells, where that lies between the looks; otherwise the time of the later
    look, and of the earlier one in ``not_before``. What either of them could not see is no difference: nothing appears
    or vanishes in a part that has a gap, and nothing comes from or goes to unknown.

    Args:
        before: the look before.
        after: the later look.
        older: by part that ``before`` could not see, the last look that did: of it, the differences are those to that.

    Raises:
        ValueError: the inventories are of two clusters.
    """
    if before.cluster_id != after.cluster_id:
        raise ValueError(f"inventories of two clusters: {before.cluster_id} and {after.cluster_id}")
    return [
        change
        for looks in [Looks(before, after), *over_the_gap(older, before, after)]
        for part in (platform, nodes, capabilities, operators, hardware, workloads)
        for change in part(looks)
    ]


def changes_since(before: Inventory, after: Inventory, *, older: Mapping[str, Inventory] = _NONE) -> list[Change]:
    """What changed in the cluster since the look before, by time: differences, and what the cluster dated itself.

    Single kills, restarts and warnings are not among them. Arguments as of :func:`differences`.

    Raises:
        ValueError: the inventories are of two clusters.
    """
    known = {change.id for change in before.changes}
    since = before.observed_at - _CLOCKS_APART
    dated = [
        change
        for change in after.changes
        if change.kind not in HAPPENINGS and change.at > since and change.id not in known
    ]
    every = {change.id: change for change in [*dated, *differences(before, after, older=older)]}
    return sorted(every.values(), key=lambda change: (change.at, change.kind, change.subject.identity, change.id))
