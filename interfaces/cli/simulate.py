"""``fleetscope simulate``: a simulated fleet on loopback, with labelled faults."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from interfaces.cli.exit_codes import ExitCode
from interfaces.cli.terminal import err, out

STOP_SECONDS = 15


def simulate(
    clusters: Annotated[int, typer.Option(min=1, max=1000, help="How many clusters.")] = 3,
    seed: Annotated[int, typer.Option(help="The same seed and anchor give the same fleet, sample by sample.")] = 1,
    faults: Annotated[
        str,
        typer.Option(
            help="Comma list of memory-leak, noisy-neighbour, bad-rollout, disk-filling, exporter-down; or none."
        ),
    ] = "",
    anchor: Annotated[str, typer.Option(help="Full hour that the faults precede; by default the last one.")] = "",
    registration: Annotated[Path, typer.Option(help="Where the registration YAML is written.")] = Path("fleet.yaml"),
    truth: Annotated[
        Path | None, typer.Option(help="File for the labelled faults as JSON; printed by default.")
    ] = None,
    directory: Annotated[Path, typer.Option(help="Where certificates, tokens and a kubeconfig are kept.")] = Path(
        "simulated-fleet"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
) -> None:
    """Run a simulated fleet until Ctrl-C: for trying things out, tests and drills.

    Example: fleetscope simulate --clusters 5 --seed 7 --truth truth.json, then in another terminal
    fleetscope cluster add --file fleet.yaml && fleetscope scan
    """
    arguments = ["--clusters", str(clusters), "--seed", str(seed), "--port", str(port)]
    for option, value in (("--faults", faults), ("--anchor", anchor), ("--truth", truth)):
        arguments += [option, str(value)] if value else []
    with running_fleet(directory, arguments) as (fleet, ready):
        shutil.copyfile(ready["registration"], registration)
        if truth is None:
            out().print_json((Path(ready["directory"]) / "truth.json").read_text(encoding="utf-8"))
        out().print(f"{len(ready['clusters'])} clusters at {ready['url']}, {ready['faults']} labelled faults")
        out().print(f"registration: {registration}; kubectl: --kubeconfig {ready['kubeconfig']}")
        err().print("[dim]Ctrl-C stops it.[/]")
        signal.signal(signal.SIGTERM, lambda *_: fleet.send_signal(signal.SIGTERM))
        try:
            fleet.wait()
        except KeyboardInterrupt:
            err().print("stopped")


@contextmanager
def running_fleet(directory: Path, arguments: list[str]) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A simulated fleet in a process of its own, and what it says when it is ready; it is stopped at the end.

    Raises:
        typer.Exit: it could not start; its own words are on standard error.
    """
    from fleet.frames.pack_file import DEFAULT_PACK_PATH

    command = [sys.executable, "-P", "-m", "simulator", "--directory", str(directory), "--pack", str(DEFAULT_PACK_PATH)]
    fleet = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own program
    try:
        assert fleet.stdout is not None  # noqa: S101 - it is a pipe
        line = fleet.stdout.readline()
        if not line:
            wrong_options = fleet.wait(STOP_SECONDS) == ExitCode.USAGE
            raise typer.Exit(ExitCode.USAGE if wrong_options else ExitCode.COULD_NOT_RUN)
        yield fleet, json.loads(line)
    finally:
        if fleet.poll() is None:
            fleet.terminate()
        try:
            fleet.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            fleet.kill()
            fleet.wait()
        if fleet.stdout is not None:
            fleet.stdout.close()
