"""Ways of reading the same, measured in processes of their own, in turn: what the benchmarks of collecting share."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.collection.served import in_process
from benchmarks.process_memory import peak_mib, resident_mib

WANTED = {"cpu_ratio": 3.0, "peak_mib": 300.0, "overhead": 0.2}


def compared(module: str, sides: Sequence[str], rounds: int, arguments: Sequence[str]) -> dict[str, Any]:
    """Medians over the rounds; ``cpu_ratio`` is that of the cheapest other side to ours.

    Args:
        module: answers, as a process, to a side's name, ``memory`` and ``overhead`` with what it measured.
        sides: ours first.
        rounds: of all sides.
        arguments: for each process.
    """
    measured = [{name: in_process(module, name, *arguments) for name in sides} for _ in range(rounds)]
    memory = in_process(module, "memory", *arguments)
    overheads = [in_process(module, "overhead", *arguments) for _ in range(rounds)]
    assert len({json.dumps(each[name]["totals"]) for each in measured for name in sides}) == 1, "the sides differ"
    cpu = {name: statistics.median(each[name]["cpu_seconds"] for each in measured) for name in sides}
    ours, *others = cpu.values()
    return {
        "totals": measured[0][sides[0]]["totals"],
        "cpu_seconds": cpu,
        "cpu_ratio": min(others) / ours,
        "memory": memory,
        "overhead": statistics.median(each["overhead"] for each in overheads),
        "server_seconds": statistics.median(each["server_seconds"] for each in overheads),
        "wanted": WANTED,
    }


def peak_of(read: Callable[[], int]) -> tuple[int, dict[str, float]]:
    """How much was read, and at what peak over what this process had when it was idle."""
    Path("/proc/self/clear_refs").write_text("5")
    idle = resident_mib()
    began = time.perf_counter()
    count = read()
    return count, {"peak_mib": peak_mib() - idle, "seconds": time.perf_counter() - began}


def seconds_of(pieces: Iterable[Any]) -> float:
    """What it takes to go through them."""
    began = time.perf_counter()
    for _ in pieces:
        pass
    return time.perf_counter() - began


def show(figures: Mapping[str, Any], title: str, unit: str, speeds: Mapping[str, str]) -> None:
    """Print a table of the sides, with their speeds in a unit of their own, and what is wanted of ours."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title)
    table.add_column("")
    table.add_column("CPU seconds", justify="right")
    table.add_column(unit, justify="right")
    for name, seconds in figures["cpu_seconds"].items():
        table.add_row(name, f"{seconds:.3f}", speeds[name])
    table.add_row("times less, against the cheapest (at least 3)", f"{figures['cpu_ratio']:.1f}", "")
    Console().print(table)
    memory = figures["memory"]
    Console().print(
        f"{memory['count']:,} {memory['of']}: peak {memory['peak_mib']:.0f} MiB over idle (at most 300); "
        f"time beyond the server's own {figures['overhead']:.0%} (at most 20%)"
    )
