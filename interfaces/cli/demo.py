"""``fleetscope demo``: from nothing to a first report, on a simulated fleet."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.exit_codes import ExitCode
from interfaces.cli.terminal import err, out

if TYPE_CHECKING:
    from deployments.addresses import Addresses
    from storage.stores import Stores

CLUSTERS = 3
SEED = 7


def demo(
    output: Annotated[Path, typer.Option(help="Directory for the report's PDF and HTML.")] = Path("fleetscope-demo"),
) -> None:
    """Start the embedded stack and a simulated fleet of three clusters with faults; scan, investigate and report.

    A second run meets the same fleet and asks it for nothing that is stored already.
    """
    from deployments.embedded.control import start_stack
    from deployments.settings import load_settings
    from interfaces.cli.simulate import running_fleet
    from interfaces.cli.workspace import open_engine

    started = time.monotonic()
    settings = load_settings()
    addresses = start_stack(settings, lambda text: err().print(f"[dim]{text}[/]"))
    directory = addresses.state_directory / "demo"
    arguments = ["--clusters", str(CLUSTERS), "--seed", str(SEED), "--anchor", _anchor(directory).isoformat()]
    with running_fleet(directory, arguments) as (_, ready), open_engine() as stores:
        names = _register(stores, Path(ready["registration"]))
        try:
            code = _run(stores, addresses, names, _anchor(directory), output)
        finally:
            _retire(stores, names)
    err().print(f"[dim]{time.monotonic() - started:.0f} s. The stack stays up; `fleetscope down` stops it.[/]")
    raise typer.Exit(code)


def _anchor(directory: Path) -> datetime:
    """The hour that the simulated faults precede: the one of the first run, so that later runs meet the same fleet."""
    file = directory / "anchor.json"
    if not file.exists():
        directory.mkdir(parents=True, exist_ok=True)
        anchor = datetime.fromtimestamp((time.time() - 120) // 3600 * 3600, tz=UTC)
        temporary = file.with_suffix(".new")
        temporary.write_text(json.dumps({"anchor": anchor.isoformat()}))
        temporary.replace(file)
    return datetime.fromisoformat(json.loads(file.read_text())["anchor"])


def _register(stores: Stores, file: Path) -> list[str]:
    from interfaces.cli.registration import read_registrations

    return [stores.registry.register(registration).name for registration in read_registrations(file)]


def _retire(stores: Stores, names: list[str]) -> None:
    """The simulated clusters end with the demo: scheduled scans must not ask for them."""
    for name in names:
        stores.clusters.change(name, lambda cluster: cluster.model_copy(update={"active": False}))


def _run(stores: Stores, addresses: Addresses, names: list[str], until: datetime, output: Path) -> ExitCode:
    from flows.discover import discover_fleet
    from flows.report import create_report
    from flows.scan import scan_fleet
    from interfaces.cli.result import result_of
    from interfaces.cli.runs import run_flow
    from interfaces.cli.scan import save_report
    from interfaces.cli.tables import coverage_table, print_incidents

    run_flow(discover_fleet, clusters=names)
    run = run_flow(scan_fleet, clusters=names, until=until, sensitivity="HIGH", report=False)
    run_flow(create_report, scan_id=run.id)
    result = result_of(stores, run.id)
    out().print(coverage_table(result.coverage))
    print_incidents(out(), result)
    for file in save_report(stores, run.id, output):
        out().print(f"report: {file.resolve()}", markup=False, soft_wrap=True)
    report = stores.reports.list(scan_id=run.id, limit=1)[0]
    for form, stored in sorted(report.formats.items()):
        out().print(
            f"stored: s3://{addresses.s3.bucket}/{stored.object_key} ({form.value})", markup=False, soft_wrap=True
        )
    out().print(
        f"Prefect UI: {addresses.prefect.ui_url} (login: the text in {addresses.prefect.auth_file})", soft_wrap=True
    )
    return ExitCode.FINE if run.completed else ExitCode.COULD_NOT_RUN
