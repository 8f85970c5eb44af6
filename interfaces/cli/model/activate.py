"""``fleetscope model activate`` and ``rollback``: which version scans use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.model.choice import JsonOption, NameArgument, PackOption, active_version
from interfaces.cli.terminal import out, print_json

if TYPE_CHECKING:
    from fleet.detectors.model_version import ModelVersion


def activate(
    name: NameArgument,
    version: Annotated[int | None, typer.Argument(min=1, help="Number of the version.")] = None,
    latest: Annotated[bool, typer.Option("--latest", help="Let go of a pinned version: the newest is used.")] = False,
    pack: PackOption = "",
    json: JsonOption = False,
) -> None:
    """Let scans use a version, and pin it: newer ones are not learnt while it is.

    It judges windows that begin after the time that it was learnt from, however much later.
    """
    from interfaces.cli.workspace import open_workspace

    if (version is None) != latest:
        raise typer.BadParameter("name the number of a version, or --latest")
    with open_workspace() as stores:
        cluster = stores.clusters.by_name(name)
        if version is not None:
            chosen = stores.models.pin(cluster.id, version)
        else:
            active = active_version(cluster, stores.models.list([cluster.id]), pack)
            chosen = stores.models.release(cluster.id, active.pack_hash) or active
    _tell(name, chosen, json=json)


def rollback(name: NameArgument, pack: PackOption = "", json: JsonOption = False) -> None:
    """Let scans use the version before the one that is active, and pin it."""
    from interfaces.cli.workspace import open_workspace

    with open_workspace() as stores:
        cluster = stores.clusters.by_name(name)
        active = active_version(cluster, stores.models.list([cluster.id]), pack)
        chosen = stores.models.roll_back(cluster.id, active.pack_hash)
    _tell(name, chosen, json=json)


def _tell(name: str, version: ModelVersion, *, json: bool) -> None:
    from interfaces.cli.model.view import standing_of, trained_on

    if json:
        print_json({"cluster": name, **version.model_dump(exclude={"queries"})})
        return
    told = f"{name}: version {version.version} of pack {version.pack_name} is {standing_of(version)}"
    out().print(f"{told}; learnt from {trained_on(version)}.", markup=False, soft_wrap=True)
