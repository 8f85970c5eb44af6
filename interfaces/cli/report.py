"""``fleetscope report``: create, list and fetch reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from interfaces.cli.exit_codes import ExitCode
from interfaces.cli.terminal import err, out, print_json

if TYPE_CHECKING:
    from fleet.reports.record import ReportRecord

app = typer.Typer(help="Create, list and fetch reports.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command(epilog="Example: fleetscope report create --kind fleet --to sre@example.org")
def create(
    kind: Annotated[Literal["fleet", "cluster", "incident"], typer.Option(help="What it is about.")] = "fleet",
    scan: Annotated[str, typer.Option(help="Id of the scan; by default the last that ended.")] = "",
    cluster: Annotated[list[str] | None, typer.Option(help="Only these clusters; may be repeated.")] = None,
    incident: Annotated[str, typer.Option(help="Id of the incident, for a report on one.")] = "",
    to: Annotated[list[str] | None, typer.Option(help="Mail it to this address; may be repeated.")] = None,
    json: JsonOption = False,
) -> None:
    """Write a report on the last scan as PDF, HTML and Markdown, keep it, and mail it if asked to."""
    from interfaces.cli.runs import run_flow
    from interfaces.cli.workspace import open_engine

    with open_engine() as stores:
        from flows.report import create_report

        run = run_flow(
            create_report,
            kind=kind,
            scan_id=scan or None,
            clusters=cluster or [],
            incident_id=incident or None,
            recipients=to or [],
        )
        if not run.completed:
            err().print(run.message, markup=False)
            raise typer.Exit(ExitCode.COULD_NOT_RUN)
        report = stores.reports.get(run.result)
    if json:
        print_json(_line(report))
    else:
        out().print(f"report {report.id}: {report.title}", markup=False, soft_wrap=True)
        err().print(run.message, markup=False)
    # Stored, but a mail is still owed.
    raise typer.Exit(ExitCode.GAPS if run.state == "CompletedWithGaps" else ExitCode.FINE)


@app.command("list", epilog="Example: fleetscope report list --json")
def list_reports(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the newest first.")] = 20,
    json: JsonOption = False,
) -> None:
    """List the stored reports, the newest first."""
    from interfaces.cli.tables import report_table
    from interfaces.cli.workspace import open_workspace

    with open_workspace() as stores:
        reports = stores.reports.list(limit=limit)
    if json:
        print_json([_line(report) for report in reports])
    else:
        out().print(report_table(reports))


@app.command(epilog="Example: fleetscope report get 3f0c… --format pdf --output fleet.pdf")
def get(
    report_id: Annotated[str, typer.Argument(help="Id from `fleetscope report list`.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.", dir_okay=False)],
    form: Annotated[Literal["pdf", "html", "md"], typer.Option("--format", help="Which form.")] = "pdf",
) -> None:
    """Fetch a stored report to a file."""
    from fleet.reports.record import ReportFormat
    from interfaces.cli.workspace import open_workspace

    with open_workspace() as stores:
        report = stores.reports.get(report_id)
        data = stores.report_objects.get(report.formats[ReportFormat(form)])
    output.write_bytes(data)
    err().print(f"{output}: {len(data):,} bytes")


def _line(report: ReportRecord) -> dict[str, object]:
    return {
        "id": report.id,
        "kind": report.kind.value,
        "title": report.title,
        "created_at": report.created_at,
        "scan_id": report.scan_id,
        "formats": sorted(form.value for form in report.formats),
    }
