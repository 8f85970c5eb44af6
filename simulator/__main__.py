"""Runs a simulated fleet in the foreground: ``python -m simulator --clusters 3 --directory /tmp/fleet``."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from datetime import datetime
from pathlib import Path
from threading import Event

from simulator.fleet import FleetOptions, SimulatedFleet
from simulator.options import DEFAULT_PACK, BrokenMode, FaultKind


def main(arguments: list[str] | None = None) -> int:
    """Serves until SIGTERM or SIGINT; prints one line of JSON when it is ready.

    Returns:
        The exit code: 0 after a signal, 2 when an option is wrong (argparse), 3 when it cannot serve.
    """
    given = _parser().parse_args(arguments)
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        fleet = SimulatedFleet(_options(given))
        with fleet:
            if given.truth:
                given.truth.write_text(json.dumps(fleet.truth, indent=2) + "\n", encoding="utf-8")
            print(json.dumps(_ready(fleet)), flush=True)  # noqa: T201 - the line that callers wait for
            stopped.wait()
    except (OSError, ValueError, RuntimeError) as error:
        print(f"simulator: {error}", file=sys.stderr)  # noqa: T201
        return 3
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    parser.add_argument("--clusters", type=int, default=3, help="how many clusters (1 to 1000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed and anchor give the same fleet")
    parser.add_argument("--faults", default=None, help=f"'none' or a comma list of {', '.join(FaultKind)}")
    parser.add_argument("--anchor", type=datetime.fromisoformat, default=None, help="full hour, RFC 3339")
    parser.add_argument("--nodes", type=int, default=None, help="nodes a cluster; 4 to 6 by default")
    parser.add_argument("--workloads", type=int, default=12, help="workloads a cluster")
    parser.add_argument("--pods", type=int, default=0, help="at least so many pods a cluster")
    parser.add_argument(
        "--multi-tenant", action="append", default=[], metavar="CLUSTER", help="a cluster whose Loki has tenants"
    )
    parser.add_argument(
        "--thanos", action="append", default=[], metavar="CLUSTER", help="a cluster with Thanos before its Prometheus"
    )
    parser.add_argument("--bulk-spans", type=int, default=0, help="further spans a cluster, for benchmarks")
    parser.add_argument("--directory", type=Path, required=True, help="for certificates, tokens and documents")
    parser.add_argument("--truth", type=Path, default=None, help="also write the labelled faults to this file")
    parser.add_argument("--pack", type=Path, default=DEFAULT_PACK, help="the query pack's YAML file")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; a free one by default")
    parser.add_argument(
        "--broken",
        action="append",
        default=[],
        metavar="CLUSTER[/API]=MODE",
        help=f"a cluster, or one of its APIs, that is {', '.join(BrokenMode)}",
    )
    parser.add_argument(
        "--denied",
        action="append",
        default=[],
        metavar="CLUSTER=RIGHT",
        help="a right taken from a cluster's tokens: 'list pods', 'create pods/exec', '* secrets'",
    )
    return parser


def _options(given: argparse.Namespace) -> FleetOptions:
    faults = None
    if given.faults is not None:
        faults = tuple(FaultKind(name.strip()) for name in given.faults.split(",") if name.strip() not in {"", "none"})
    broken = {name: BrokenMode(mode) for name, _, mode in (each.partition("=") for each in given.broken)}
    denied: dict[str, tuple[str, ...]] = {}
    for name, _, right in (each.partition("=") for each in given.denied):
        denied[name] = (*denied.get(name, ()), right)
    return FleetOptions(
        clusters=given.clusters,
        seed=given.seed,
        faults=faults,
        anchor=given.anchor,
        nodes=given.nodes,
        workloads=given.workloads,
        pods=given.pods,
        directory=given.directory,
        pack=given.pack,
        port=given.port,
        broken=broken,
        denied=denied,
        bulk_spans=given.bulk_spans,
        multi_tenant=tuple(given.multi_tenant),
        thanos=tuple(given.thanos),
    )


def _ready(fleet: SimulatedFleet) -> dict[str, object]:
    directory = fleet.directory.resolve()
    return {
        "url": fleet.url,
        "clusters": fleet.names,
        "anchor": fleet.truth["anchor"],
        "faults": len(fleet.truth["faults"]),
        "directory": str(directory),
        "registration": str(directory / "registration.yaml"),
        "kubeconfig": str(directory / "kubeconfig"),
    }


if __name__ == "__main__":
    sys.exit(main())
