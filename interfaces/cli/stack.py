"""``fleetscope up``, ``down`` and ``status``: the embedded stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.terminal import err, out, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployments.embedded.status import StackStatus
    from deployments.settings import Settings
    from fleet.inventory.endpoint_load import EndpointLoad

_COLOURS = {"up": "green", "external": "green", "waiting": "yellow", "starting": "yellow", "restarting": "yellow"}


def up(
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay, show what happens, and stop on Ctrl-C or SIGTERM.")
    ] = False,
) -> None:
    """Start PostgreSQL, S3, OpenBao, the Prefect server and a worker on this machine, and keep them running.

    Each FLEETSCOPE_* address that is set replaces one of them by a service of yours.

    Examples: fleetscope up · fleetscope up --foreground · FLEETSCOPE_STATE_DIR=/srv/fleetscope fleetscope up
    """
    from deployments.embedded.control import start_stack
    from deployments.embedded.stack import Stack
    from deployments.embedded.supervisor import Supervisor
    from deployments.settings import load_settings

    settings = load_settings()
    if foreground:
        Supervisor(Stack(settings), lasting=True, progress=_tell).run()
        return
    addresses = start_stack(settings, progress=_tell)
    console = out()
    console.print(f"Prefect UI: {addresses.prefect.ui_url}")
    if addresses.prefect.auth_file is not None:
        console.print(f"its login:  the content of {addresses.prefect.auth_file}", soft_wrap=True)
    console.print("To stop it: fleetscope down")


def down() -> None:
    """Stop the embedded stack. Its data stays for the next start.

    Example: fleetscope down
    """
    from deployments.embedded.control import stop_stack
    from deployments.settings import load_settings

    out().print("Stopped." if stop_stack(load_settings(), progress=_tell) else "The stack is not running.")


def status(json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False) -> None:
    """Show each part of the stack, and the endpoints of clusters that wait for their budget or are left alone.

    Exit code 0 when everything runs, 3 otherwise.

    Examples: fleetscope status · fleetscope status --json
    """
    from dataclasses import asdict

    from deployments.embedded.status import stack_status
    from deployments.settings import load_settings
    from interfaces.cli.exit_codes import ExitCode

    settings = load_settings()
    found = stack_status(settings)
    loads = _loads(settings) if found.is_running else None
    if json:
        print_json(asdict(found) | {"running": found.is_running, "endpoints": loads})
    else:
        _print_status(found)
        _print_loads(loads or [])
    if not found.is_running:
        raise typer.Exit(ExitCode.COULD_NOT_RUN)


def _loads(settings: Settings) -> list[EndpointLoad] | None:
    """What endpoints are being asked; None where that cannot be read just now."""
    from deployments.embedded.stack import Stack
    from deployments.installation import endpoint_loads
    from fleet.errors import StoreError

    try:
        return endpoint_loads(Stack(settings).addresses())
    except StoreError as failure:
        err().print(failure.message, markup=False, soft_wrap=True)
        return None


def _print_loads(loads: Sequence[EndpointLoad]) -> None:
    """Those that want a look; of a healthy fleet, none."""
    from fleet.inventory.endpoint_load import BreakerState
    from interfaces.cli.tables import load_table

    told = [each for each in loads if each.breaker is not BreakerState.CLOSED or each.waiting]
    if told:
        out().print("Endpoints of clusters that wait for their budget or are left alone:")
        out().print(load_table(told))


def _tell(sentence: str) -> None:
    err().print(sentence, markup=False, soft_wrap=True)


def _print_status(found: StackStatus) -> None:
    from rich.table import Table

    console = out()
    life = "until fleetscope down" if found.lasting else "until the command that started it ends"
    console.print(
        f"{found.phase}{f' (process {found.pid}, {life})' if found.pid else ''} in {found.state_directory}",
        soft_wrap=True,
    )
    if not found.parts:
        console.print("Start it with: fleetscope up")
        return
    table = Table("part", "state", "address", "process", "version", "restarts", box=None, pad_edge=False)
    for part in found.parts:
        colour = _COLOURS.get(part["status"], "red")
        table.add_row(
            part["name"],
            f"[{colour}]{part['status']}[/]",
            part["address"],
            str(part["pid"] or ""),
            part["version"],
            str(part["restarts"] or ""),
        )
    console.print(table)
    console.print(f"Logs: {found.state_directory}/logs", soft_wrap=True)
    for message in (found.error, *(part["error"] for part in found.parts if part["status"] != "up")):
        if message:
            console.print(message, markup=False, soft_wrap=True)
