"""``fleetscope data``: what is stored, and letting go of what was kept long enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.exit_codes import ExitCode
from interfaces.cli.terminal import err, out, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from storage.retention.expired import Expiry
    from storage.retention.usage import Usage

app = typer.Typer(help="What is stored, and for how long.", no_args_is_help=True)
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command(epilog="Example: fleetscope data expire --dry-run")
def expire(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would go.")] = False,
    json: JsonOption = False,
) -> None:
    """Delete data whose time is over, as the deployment expire-data/daily does each night.

    Evidence that an investigation cites stays as long as the investigation. Rows go at once, the objects that they
    named with a run at least 12 hours later. How long each kind is kept is set by FLEETSCOPE_KEEP_*_DAYS.
    """
    from interfaces.cli.runs import run_flow
    from interfaces.cli.workspace import open_engine

    with open_engine():
        from flows.expire import expire_data

        run = run_flow(expire_data, dry_run=dry_run)
    if not run.completed:
        err().print(run.message, markup=False)
        raise typer.Exit(ExitCode.COULD_NOT_RUN)
    if json:
        print_json(run.result)
        return
    out().print(_expiry_table(run.result))
    err().print(run.message, markup=False)


@app.command(epilog="Example: fleetscope data usage --json")
def usage(json: JsonOption = False) -> None:
    """Show how much is stored of each kind, since when, and how long it is kept."""
    from deployments.settings import load_settings
    from interfaces.cli.workspace import open_workspace

    with open_workspace() as stores:
        found = stores.retention.usage(load_settings().lifetimes())
    if json:
        print_json(found)
        return
    out().print(_usage_table(found))
    out().print(
        f"database {_size(found.database_bytes)}, {found.objects:,} objects {_size(found.object_bytes)} with what "
        "a later expiry deletes"
    )


def _expiry_table(expiry: Expiry) -> Table:
    from rich.table import Table

    from interfaces.cli.tables import utc

    table = Table("kind", "older than", "would go" if expiry.dry_run else "went", "kept for citations", "objects")
    for each in expiry.expired:
        size = _size(each.object_bytes) if each.object_bytes else ""
        table.add_row(
            each.kind.value, utc(each.older_than), f"{each.rows:,}", f"{each.kept:,}" if each.kept else "", size
        )
    swept = expiry.swept
    table.caption = f"{swept.objects:,} objects that nothing named, {_size(swept.object_bytes)}"
    return table


def _usage_table(usage: Usage) -> Table:
    from rich.table import Table

    from interfaces.cli.tables import utc

    table = Table("kind", "kept", "rows", "oldest", "objects")
    for each in usage.kinds:
        size = _size(each.object_bytes) if each.object_bytes else ""
        table.add_row(each.kind.value, f"{each.days} days", f"{each.rows:,}", utc(each.oldest), size)
    return table


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:,.1f} MiB"
