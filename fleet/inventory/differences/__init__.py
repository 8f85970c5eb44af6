"""What changed between two inventories of one cluster, as dated changes."""

from fleet.inventory.differences.compare import changes_since, differences

__all__ = ["changes_since", "differences"]
