"""``fleetscope discover``: read what each cluster is, and what changed since the look before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interfaces.cli.exit_codes import ExitCode
from interfaces.cli.terminal import err, out, parse_labels, write_json_object

if TYPE_CHECKING:
    from fleet.inventory.change import Change
    from fleet.inventory.cluster import Cluster
    from fleet.inventory.inventory import Inventory
    from storage.inventories import InventoryStore


@dataclass(frozen=True)
class _Look:
    """What this run saw of a cluster (None: it could not be read), and what changed since the look before.

    ``before`` is the time of that look, or None where there is none.
    """

    cluster: Cluster
    inventory: Inventory | None
    before: datetime | None
    changes: Sequence[Change] = ()


def discover(
    cluster: Annotated[list[str] | None, typer.Option(help="Only this cluster; may be repeated.")] = None,
    selector: Annotated[list[str] | None, typer.Option(help="key=value a cluster must have; may be repeated.")] = None,
    allow_gaps: Annotated[bool, typer.Option("--allow-gaps", help="Gaps do not make the exit code 4.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Read what the clusters are: version, platform, nodes, hardware, operators, workloads; and what changed.

    Example: fleetscope discover --selector environment=prod
    """
    from interfaces.cli.fleet_view import fleet_table
    from interfaces.cli.runs import run_flow
    from interfaces.cli.tables import MOST_CLUSTERS
    from interfaces.cli.workspace import open_engine

    labels = parse_labels(selector or [])
    with open_engine() as stores:
        from flows.discover import discover_fleet
        from tasks.scans import chosen

        clusters = chosen(stores, cluster or [], labels)
        began = datetime.now(UTC)
        run = run_flow(discover_fleet, clusters=cluster or [], selector=labels)
        looks = _looks(stores.inventories, clusters, began)
        if json:
            _write_json({"run_id": run.id, "state": run.state}, looks)
        elif len(clusters) > MOST_CLUSTERS:
            figures = stores.inventories.figures([each.id for each in clusters])
            out().print(fleet_table(clusters, figures, began))
        else:
            for look in looks:
                _print(look)
        if not json:
            err().print(run.message, markup=False)
    raise typer.Exit(_exit_code(run.completed, run.state, allow_gaps))


def _looks(inventories: InventoryStore, clusters: Sequence[Cluster], began: datetime) -> Iterator[_Look]:
    """One cluster at a time: a large fleet's inventories do not fit into memory together."""
    from fleet.inventory.differences import changes_since

    for cluster in clusters:
        latest = inventories.latest(cluster.id)
        if latest is None or latest.observed_at < began:
            yield _Look(cluster, None, latest.observed_at if latest else None)
            continue
        before, older = inventories.earlier(latest)
        if before is None:
            yield _Look(cluster, latest, None)
        else:
            yield _Look(cluster, latest, before.observed_at, changes_since(before, latest, older=older))


def _print(look: _Look) -> None:
    from interfaces.cli.inventory_view import print_changes, print_inventory
    from interfaces.cli.tables import utc

    console = out()
    if look.inventory is None:
        seen = f"; it was seen last at {utc(look.before)}" if look.before else ""
        console.print(f"[bold]{look.cluster.name}[/]: [bold red]unknown[/], it could not be read{seen}")
        return
    print_inventory(console, look.cluster, look.inventory)
    if look.before is not None:
        print_changes(console, look.changes, look.before)


def _write_json(head: dict[str, Any], looks: Iterator[_Look]) -> None:
    """The inventories as they come, then what changed."""
    changed: dict[str, Any] = {}

    def inventories() -> Iterator[tuple[str, Any]]:
        for look in looks:
            if look.inventory is not None and look.before is not None:
                changed[look.cluster.name] = {"since": look.before, "changes": look.changes}
            yield look.cluster.name, look.inventory

    write_json_object([*head.items(), ("inventories", inventories()), ("changed", changed)])


def _exit_code(completed: bool, state: str, allow_gaps: bool) -> ExitCode:
    if not completed:
        return ExitCode.COULD_NOT_RUN
    return ExitCode.GAPS if state == "CompletedWithGaps" and not allow_gaps else ExitCode.FINE
