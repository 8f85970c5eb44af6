"""What discovery saw of a large fleet, in one table: those that need a look first, the sums below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.table import Table

from fleet.inventory.cluster import Cluster
from fleet.inventory.figures import InventoryFigures
from interfaces.cli.tables import MOST_CLUSTERS, printable, utc

_MOST_VERSIONS = 6


def fleet_table(clusters: Sequence[Cluster], seen: Mapping[str, InventoryFigures], began: datetime) -> Table:
    """Clusters that could not be read, then those that were not read whole, then the others; cut, with sums.

    Args:
        clusters: that were to be discovered.
        seen: their newest inventories in figures, by cluster id.
        began: when the run began (UTC): what is older was seen by another.
    """
    read = {each.cluster_id: each for each in seen.values() if each.observed_at >= began}
    ranked = sorted(clusters, key=lambda each: (each.id in read, not _gaps(read.get(each.id)), each.name))
    table = Table("cluster", "version", "nodes", "workloads", "pods", "what is unknown")
    for cluster in ranked[:MOST_CLUSTERS]:
        figures, last = read.get(cluster.id), seen.get(cluster.id)
        if figures is None:
            unknown = f"all of it; it was seen last at {utc(last.observed_at)}" if last else "all of it"
            table.add_row(printable(cluster.name), "", "", "", "", f"[bold red]{unknown}[/]")
            continue
        counts = (str(count) for count in (figures.nodes, figures.workloads, figures.pods))
        table.add_row(printable(cluster.name), printable(figures.version), *counts, printable(_gaps(figures)) or "-")
    table.caption = _sums(clusters, read)
    return table


def _gaps(figures: InventoryFigures | None) -> str:
    return "; ".join(f"{gap.part}: {gap.reason}" for gap in figures.gaps) if figures else ""


def _sums(clusters: Sequence[Cluster], read: Mapping[str, InventoryFigures]) -> str:
    nodes, pods = (sum(getattr(each, name) for each in read.values()) for name in ("nodes", "pods"))
    versions = Counter(each.version or "unknown" for each in read.values()).most_common()
    told = ", ".join(f"{version} ({count})" for version, count in versions[:_MOST_VERSIONS])
    more = f" and {len(versions) - _MOST_VERSIONS} more" if len(versions) > _MOST_VERSIONS else ""
    return printable(
        f"{min(len(clusters), MOST_CLUSTERS)} of {len(clusters)} clusters, those first that need a look; "
        f"`fleetscope cluster show` tells of one. All that could be read, {len(read)}, have {nodes:,} nodes and "
        f"{pods:,} pods. Versions: {told or 'none'}{more}."
    )
