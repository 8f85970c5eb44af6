"""Parameters that several flows share, typed and described once: the Prefect UI shows them as forms."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from fleet.inventory.cluster import ClusterName
from fleet.reports.delivery import Recipient

ClusterNames = Annotated[list[ClusterName], Field(description="Names of clusters; empty means every active cluster.")]
Selector = Annotated[
    dict[str, str],
    Field(
        description="Labels that a cluster must have; name, environment and region count as labels.",
    ),
]
Hours = Annotated[int, Field(ge=1, le=168, description="Length of the window in hours.")]
Recipients = Annotated[list[Recipient], Field(description="Mail addresses that get the report; empty sends none.")]
KubernetesName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([-A-Za-z0-9.]{0,251}[A-Za-z0-9])?$")]
