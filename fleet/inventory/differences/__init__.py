"""What changed between two inventories of one cluster, as dated changes."""

from fleet.inventory.differences.compare import changes_since, differences
from fleet.inventory.differences.missed import missed_parts, needed_whole

__all__ = ["changes_since", "differences", "missed_parts", "needed_whole"]
