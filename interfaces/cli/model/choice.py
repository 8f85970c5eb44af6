"""Which version a command means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fleet.detectors.model_version import ModelVersion
    from fleet.inventory.cluster import Cluster

NameArgument = Annotated[str, typer.Argument(help="The cluster's name.")]
PackOption = Annotated[str, typer.Option(help="Name of the query pack, where several are in use.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def active_version(cluster: Cluster, versions: Sequence[ModelVersion], pack: str) -> ModelVersion:
    """The active version of a cluster: of the pack that is named, or of the one that is in use.

    Args:
        cluster: whose versions these are.
        versions: all of them.
        pack: the pack's name; empty for any.

    Raises:
        NotFound: there is none.
        UsageError: several packs are in use, and none is named.
    """
    from fleet.errors import NotFound, UsageError

    active = [each for each in versions if each.active and pack in {"", each.pack_name}]
    if not active:
        about = f" by pack {pack}" if pack else ""
        raise NotFound(
            f"Nothing was learnt of cluster {cluster.name}{about} that can be used.",
            hint="A scan learns what is usual: `fleetscope scan --cluster NAME`.",
        )
    names = sorted({each.pack_name for each in active})
    if len(names) > 1:
        raise UsageError(
            f"Cluster {cluster.name} has learnt state of several packs: {', '.join(names)}.", hint="Name one by --pack."
        )
    # A pack whose file was changed is another pack of the same name: the one learnt last is in use.
    return max(active, key=lambda each: each.version)
