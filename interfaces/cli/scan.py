"""``fleetscope scan``: scan the fleet, or any Prometheus, for anomalies and their causes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from interfaces.cli import ad_hoc
from interfaces.cli.exit_codes import ExitCode
from interfaces.cli.terminal import err, out, parse_duration, parse_labels, parse_time, print_json

if TYPE_CHECKING:
    from fleet.inventory.registration import Registration
    from interfaces.cli.result import ScanResult
    from interfaces.cli.runs import Run
    from storage.stores import Stores

MOST_FINDINGS = 20


def scan(
    cluster: Annotated[list[str] | None, typer.Option(help="Only this cluster; may be repeated.")] = None,
    selector: Annotated[list[str] | None, typer.Option(help="key=value a cluster must have; may be repeated.")] = None,
    prometheus: Annotated[str, typer.Option(help="Scan this Prometheus instead; needs no registration.")] = "",
    token_file: ad_hoc.TokenFileOption = None,
    username: ad_hoc.UsernameOption = "",
    password_file: ad_hoc.PasswordFileOption = None,
    ca_file: ad_hoc.CaFileOption = None,
    client_cert: ad_hoc.ClientCertOption = None,
    client_key: ad_hoc.ClientKeyOption = None,
    insecure: ad_hoc.InsecureOption = False,
    last: Annotated[str, typer.Option(help="Length of the window, such as 6h or 2d.")] = "24h",
    until: Annotated[str, typer.Option(help="End of the window, RFC 3339; by default the last full hour.")] = "",
    sensitivity: Annotated[
        Literal["LOW", "MEDIUM", "HIGH", "EXTREME"],
        typer.Option(
            case_sensitive=False,
            help="How many false findings are to be expected per cluster of 5,000 series and day: LOW 0.1, MEDIUM 0.5, "
            "HIGH 2, EXTREME 10.",
        ),
    ] = "MEDIUM",
    pack: Annotated[Path | None, typer.Option(help="Query pack file; by default the cluster health pack.")] = None,
    runner: Annotated[
        str, typer.Option(help="threads, processes, dask, or a Dask scheduler such as tcp://host:8786; else as set.")
    ] = "",
    report_dir: Annotated[
        Path | None, typer.Option(help="Write the report's PDF and HTML into this directory.")
    ] = None,
    fail_on: Annotated[
        Literal["info", "warning", "critical"] | None,
        typer.Option(help="Exit with 1 when a finding is at least this severe."),
    ] = None,
    allow_gaps: Annotated[bool, typer.Option("--allow-gaps", help="Gaps do not make the exit code 4.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Scan clusters for anomalies, investigate what is found, and write a report.

    Examples:

    fleetscope scan --selector environment=prod --sensitivity HIGH --fail-on critical

    fleetscope scan --prometheus http://localhost:9090 --last 24h
    """
    from interfaces.cli.runs import chosen_runner, run_flow
    from interfaces.cli.workspace import open_engine

    hours, end = _hours(parse_duration(last)), parse_time(until) if until else None
    labels = parse_labels(selector or [])
    if prometheus and (cluster or labels):
        raise typer.BadParameter("--prometheus scans that server alone; leave --cluster and --selector out")
    only = ad_hoc.ad_hoc_registration(
        prometheus, token_file, username, password_file, ca_file, client_cert, client_key, insecure
    )
    with chosen_runner(runner), open_engine() as stores, _registered(stores, only) if only else nullcontext() as name:
        from flows.scan import scan_fleet

        run = run_flow(
            scan_fleet,
            clusters=[name] if name else cluster or [],
            selector=labels,
            last_hours=hours,
            until=end,
            sensitivity=sensitivity,
            pack=str(pack.resolve()) if pack else None,
        )
        # Before a stack that was started for this ends, which takes seconds.
        result = _tell(stores, run, report_dir or (Path("fleetscope-report") if prometheus else None), json=json)
    raise typer.Exit(exit_code(run, result, fail_on, allow_gaps=allow_gaps))


def exit_code(run: Run, result: ScanResult, fail_on: str | None, *, allow_gaps: bool) -> ExitCode:
    """The exit code that scripts rely on: could not run, then findings, then gaps."""
    from fleet.frames.pack import Severity

    if not run.completed:
        return ExitCode.COULD_NOT_RUN
    if fail_on and result.worst and result.worst.rank >= Severity(fail_on).rank:
        return ExitCode.FINDINGS
    if run.state == "CompletedWithGaps" and not allow_gaps:
        return ExitCode.GAPS
    return ExitCode.FINE


@contextmanager
def _registered(stores: Stores, registration: Registration) -> Iterator[str]:
    """An ad-hoc cluster for the time of a scan: its results stay, its secret does not."""
    from fleet.inventory.cluster import credential_ref

    name = registration.cluster.name
    try:
        stores.registry.register(registration)
        yield name
    finally:
        stores.credentials.delete(credential_ref(name))


def _hours(length: timedelta) -> int:
    hours, rest = divmod(length, timedelta(hours=1))
    if rest or not 1 <= hours <= 168:
        raise typer.BadParameter("the window is a whole number of hours, from 1h to 168h", param_hint="--last")
    return hours


def _tell(stores: Stores, run: Run, report_dir: Path | None, *, json: bool) -> ScanResult:
    """Print a scan's result, and write its report."""
    from interfaces.cli.result import result_of

    result = result_of(stores, run.id)
    files = save_report(stores, run.id, report_dir)
    if json:
        print_json(result)
    else:
        _show(stores, result, files)
    if run.state != "Completed":
        err().print(run.message, markup=False, soft_wrap=True)
    return result


def save_report(stores: Stores, scan_id: str, directory: Path | None) -> list[Path]:
    """Write a scan's report as PDF and HTML into a directory; returns the files (none without a directory)."""
    from fleet.reports.record import ReportFormat

    reports = stores.reports.list(scan_id=scan_id, limit=1)
    if not reports or directory is None:
        return []
    directory.mkdir(parents=True, exist_ok=True)
    files = []
    for form in (ReportFormat.PDF, ReportFormat.HTML):
        file = directory / f"fleetscope-{reports[0].created_at:%Y%m%d-%H%M%S}.{form.value}"
        file.write_bytes(stores.report_objects.get(reports[0].formats[form]))
        files.append(file)
    return files


def _show(stores: Stores, result: ScanResult, files: list[Path]) -> None:
    from interfaces.cli.tables import (
        coverage_table,
        findings_table,
        models_line,
        print_incidents,
        uncompared_line,
        utc,
    )

    window = f"{utc(result.window.start)} to {utc(result.window.end)}"
    out().print(f"scan {result.scan_id}: {window}, sensitivity {result.sensitivity.value}", soft_wrap=True)
    out().print(coverage_table(result.coverage))
    for told in filter(None, (models_line(result.coverage), uncompared_line(result.uncompared))):
        out().print(told, soft_wrap=True)
    print_incidents(out(), result)
    findings = stores.findings.list(scan_id=result.scan_id, limit=MOST_FINDINGS)
    if findings:
        known = stores.clusters.known({each.cluster_id for each in findings})
        names = {cluster_id: cluster.name for cluster_id, cluster in known.items()}
        out().print(findings_table(findings, names))
    if result.findings > len(findings):
        out().print(f"and {result.findings - len(findings)} more findings: all are in the report")
    for file in files:
        err().print(f"report: {file}", markup=False)
