"""``fleetscope discover``: read what each cluster is."""

from __future__ import annotations

from typing import Annotated

import typer

from interfaces.cli.exit_codes import ExitCode
from interfaces.cli.terminal import err, out, parse_labels, print_json


def discover(
    cluster: Annotated[list[str] | None, typer.Option(help="Only this cluster; may be repeated.")] = None,
    selector: Annotated[list[str] | None, typer.Option(help="key=value a cluster must have; may be repeated.")] = None,
    allow_gaps: Annotated[bool, typer.Option("--allow-gaps", help="Gaps do not make the exit code 4.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Read version, nodes, workloads and capabilities of the clusters, and note what changed.

    Example: fleetscope discover --selector environment=prod
    """
    from interfaces.cli.runs import run_flow
    from interfaces.cli.tables import print_inventory
    from interfaces.cli.workspace import open_engine

    labels = parse_labels(selector or [])
    with open_engine() as stores:
        from flows.discover import discover_fleet
        from tasks.scans import chosen

        clusters = chosen(stores, cluster or [], labels)
        run = run_flow(discover_fleet, clusters=cluster or [], selector=labels)
        inventories = {each.name: stores.inventories.latest(each.id) for each in clusters}
    if json:
        print_json({"run_id": run.id, "state": run.state, "inventories": inventories})
    else:
        for name, inventory in inventories.items():
            if inventory is None:
                out().print(f"[bold]{name}[/]: [bold red]unknown[/], it could not be read")
            else:
                print_inventory(out(), name, inventory)
        err().print(run.message, markup=False)
    raise typer.Exit(_exit_code(run.completed, run.state, allow_gaps))


def _exit_code(completed: bool, state: str, allow_gaps: bool) -> ExitCode:
    if not completed:
        return ExitCode.COULD_NOT_RUN
    return ExitCode.GAPS if state == "CompletedWithGaps" and not allow_gaps else ExitCode.FINE
