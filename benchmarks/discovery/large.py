"""One cluster of 500 nodes and 30,000 pods: seconds, requests, and the peak memory of the process that reads it.

The simulated cluster is served from this process and read in processes of their own, whose peak memory is their own.
The first reading makes the cluster's objects; the second shows what reading alone takes. ``delayed`` adds half a second
to each answer, as a busy API server does: lists that are read side by side then wait together.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from benchmarks.process_memory import peak_mib
from fleet.collectors.kubernetes import collect_inventory
from fleet.collectors.kubernetes.client import KubernetesClient
from fleet.credentials import Credential
from fleet.inventory.cluster import Cluster
from simulator.fleet import FleetOptions, SimulatedFleet

NODES, PODS, WORKLOADS = 500, 30_000, 2_000
CLUSTERS = 3
"""Of which the last is a telco cluster: it has the most kinds of objects. The others are not asked."""
DELAY_SECONDS = 0.5
LIMITS = {"seconds": 60.0, "peak_mib": 500.0, "requests": 200.0}
ROUNDS = ("first", "again", "delayed")


def main() -> dict[str, Any]:
    """Measure and print; returns the figures and what is wanted of them."""
    with SimulatedFleet(
        FleetOptions(clusters=CLUSTERS, nodes=NODES, pods=PODS, workloads=WORKLOADS, faults=())
    ) as fleet:
        figures = {name: _measured(fleet, name) for name in ROUNDS}
    _show(figures)
    return {"figures": figures, "wanted": LIMITS}


def _measured(fleet: SimulatedFleet, name: str) -> dict[str, float]:
    """One reading in a process of its own."""
    delay = str(DELAY_SECONDS if name == "delayed" else 0.0)
    command = [sys.executable, "-m", "benchmarks.discovery.large", str(fleet.directory), delay]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _read(directory: Path, delay_seconds: float) -> dict[str, float]:
    """Read the last cluster of a simulated fleet: the part that is measured."""
    import yaml

    row = yaml.safe_load((directory / "registration.yaml").read_text())["clusters"][-1]
    credential = Credential(token=SecretStr((directory / f"{row['name']}.token").read_text().strip()))
    cluster = Cluster.model_validate({key: value for key, value in row.items() if key != "credential"})
    requests: list[str] = []
    _watch(requests, delay_seconds)
    before = peak_mib()
    began = time.perf_counter()
    inventory, _ = collect_inventory(cluster, _Given(credential))
    seconds = time.perf_counter() - began
    assert not inventory.gaps, inventory.gaps
    return {
        "seconds": seconds,
        "cpu_seconds": time.process_time(),
        "requests": float(len(requests)),
        "peak_mib": peak_mib(),
        "before_mib": before,
        "nodes": float(len(inventory.nodes)),
        "pods": float(len(inventory.pods)),
        "workloads": float(len(inventory.workloads)),
        "changes": float(len(inventory.changes)),
    }


class _Given:
    """A credential source over the simulator's token."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    def credential(self, *, refresh: bool = False) -> Credential:
        """The token."""
        return self._credential


def _watch(requests: list[str], delay_seconds: float) -> None:
    """Note every request, and hold each answer back for as long as a busy server would."""
    plain = KubernetesClient._request

    def noted(self: KubernetesClient, path: str, *more: Any) -> Any:
        requests.append(path)
        time.sleep(delay_seconds)
        return plain(self, path, *more)

    KubernetesClient._request = noted  # type: ignore[method-assign]


def _show(figures: dict[str, dict[str, float]]) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = figures["first"]
    table = Table(title=f"A cluster of {shown['nodes']:.0f} nodes, {shown['pods']:,.0f} pods, one reading")
    table.add_column("")
    for name in ("seconds", "CPU seconds", "requests", "peak MiB"):
        table.add_column(name, justify="right")
    for name, figure in figures.items():
        table.add_row(
            name,
            f"{figure['seconds']:.1f}",
            f"{figure['cpu_seconds']:.1f}",
            f"{figure['requests']:.0f}",
            f"{figure['peak_mib']:.0f}",
        )
    table.add_row(
        "at most (goal)", f"{LIMITS['seconds']:.0f}", "", f"{LIMITS['requests']:.0f}", f"{LIMITS['peak_mib']:.0f}"
    )
    Console().print(table)


if __name__ == "__main__":
    print(json.dumps(_read(Path(sys.argv[1]), float(sys.argv[2]))))
