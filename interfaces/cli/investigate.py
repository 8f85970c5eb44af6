"""``fleetscope investigate``: ask for the causes of a trouble, and fetch what was found."""

from __future__ import annotations

from typing import Annotated

import typer

from interfaces.cli.exit_codes import ExitCode
from interfaces.cli.terminal import err, out, parse_time, print_json

app = typer.Typer(help="Investigate causes, and list and fetch investigations.", invoke_without_command=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.callback()
def investigate(
    context: typer.Context,
    cluster: Annotated[str, typer.Option(help="The cluster's name.")] = "",
    at: Annotated[str, typer.Option(help="Time of the trouble, RFC 3339; by default now.")] = "",
    incident: Annotated[str, typer.Option(help="Id of an incident; names place and time.")] = "",
    namespace: Annotated[str, typer.Option(help="Namespace of the trouble.")] = "",
    workload: Annotated[str, typer.Option(help="Workload of the trouble; needs --namespace.")] = "",
    node: Annotated[str, typer.Option(help="Node of the trouble.")] = "",
    last: Annotated[int, typer.Option(min=1, max=168, help="Hours before that time in which evidence is sought.")] = 6,
    allow_gaps: Annotated[bool, typer.Option("--allow-gaps", help="Gaps do not make the exit code 4.")] = False,
    json: JsonOption = False,
) -> None:
    """Gather evidence around a place and a time of a cluster and rank probable causes.

    Example: fleetscope investigate --cluster edge-1 --namespace shop --workload cart --at 2026-11-21T14:00:00Z
    """
    if context.invoked_subcommand is not None:
        return
    if not cluster:
        raise typer.BadParameter("name the cluster with --cluster, or see `fleetscope investigate list`")
    if workload and not namespace:
        raise typer.BadParameter("--workload needs --namespace")
    from interfaces.cli.runs import run_flow
    from interfaces.cli.tables import print_investigation
    from interfaces.cli.workspace import open_engine

    when = parse_time(at) if at else None
    with open_engine() as stores:
        from flows.investigate import investigate as investigate_flow

        run = run_flow(
            investigate_flow,
            cluster=cluster,
            at=when,
            incident_id=incident or None,
            namespace=namespace or None,
            workload=workload or None,
            node=node or None,
            last_hours=last,
        )
        if not run.completed:
            err().print(run.message, markup=False)
            raise typer.Exit(ExitCode.COULD_NOT_RUN)
        investigation = stores.investigations.get(run.id)
    if json:
        print_json(investigation)
    else:
        print_investigation(out(), investigation)
    raise typer.Exit(ExitCode.GAPS if run.state == "CompletedWithGaps" and not allow_gaps else ExitCode.FINE)


@app.command("get", epilog="Example: fleetscope investigate get 0b5e… --json")
def get(
    investigation_id: Annotated[str, typer.Argument(help="Its id: also the id of the flow run that made it.")],
    json: JsonOption = False,
) -> None:
    """Show an investigation."""
    from interfaces.cli.tables import print_investigation
    from interfaces.cli.workspace import open_workspace

    with open_workspace() as stores:
        investigation = stores.investigations.get(investigation_id)
    if json:
        print_json(investigation)
    else:
        print_investigation(out(), investigation)


@app.command("list", epilog="Example: fleetscope investigate list --json")
def list_investigations(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the newest first.")] = 20,
    json: JsonOption = False,
) -> None:
    """List investigations, the newest first."""
    from interfaces.cli.tables import investigation_table
    from interfaces.cli.workspace import open_workspace

    with open_workspace() as stores:
        investigations = stores.investigations.list(limit=limit)
    if json:
        print_json(
            [
                {"id": each.id, "place": each.place.display, "at": each.at, "verdict": each.verdict.value}
                for each in investigations
            ]
        )
    else:
        out().print(investigation_table(investigations))
