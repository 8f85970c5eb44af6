"""Parameter types that several flows share. Prefect's forms take the descriptions from the flows' docstrings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from fleet.inventory.cluster import ClusterName

ClusterNames = list[ClusterName]
Hours = Annotated[int, Field(ge=1, le=168)]
KubernetesName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([-A-Za-z0-9.]{0,251}[A-Za-z0-9])?$")]
