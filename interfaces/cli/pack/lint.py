"""``fleetscope pack lint``: everything that is wrong with pack files, and what they surely do not mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from interfaces.cli.exit_codes import ExitCode
from interfaces.cli.terminal import out


def lint(
    files: Annotated[list[Path], typer.Argument(help="Pack files.", metavar="FILE...")],
) -> None:
    """Check pack files: every fault with its line and field, and what is allowed but surely not meant.

    Exits with 2 when a file has a fault. PromQL's own syntax is the servers' business: `fleetscope pack test` asks one.
    """
    from fleet.frames.pack_file import read_pack
    from interfaces.cli.tables import printable

    faulty = False
    for file in files:
        reading = read_pack(file)
        faulty = faulty or bool(reading.faults)
        for fault in reading.faults:
            out().print(f"[bold red]fault[/] {printable(fault.message)}", soft_wrap=True)
        for advice in reading.advice:
            out().print(f"[yellow]warning[/] {printable(advice.message)}", soft_wrap=True)
        if reading.pack is not None and not reading.faults:
            forms = sum(len(query.variants) for query in reading.pack.queries)
            what = f"{reading.pack.name} version {reading.pack.version}"
            counts = f"{len(reading.pack.queries)} queries in {forms} forms"
            out().print(f"[green]ok[/] {printable(f'{file}: {what}, {counts}')}", soft_wrap=True)
    raise typer.Exit(ExitCode.USAGE if faulty else ExitCode.FINE)
