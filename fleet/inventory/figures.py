"""An inventory in a few figures, for tables on whole fleets: all of it would be a hundred times as much to read."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, Field

from fleet.inventory.inventory import Gap


class InventoryFigures(BaseModel):
    """What discovery saw of one cluster at ``observed_at`` (UTC), counted; ``gaps`` as in the inventory."""

    cluster_id: str
    observed_at: AwareDatetime
    version: str = ""
    nodes: int
    workloads: int
    pods: int
    gaps: list[Gap] = Field(default_factory=list)
