"""How long something takes and how much memory: the least of several times, as other work on the machine only adds."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass

CORES = 2
"""Rates are those of so many processors: whatever else the machine is busy with, by processor time."""


@dataclass(frozen=True)
class Row:
    """What was measured of one thing.

    Attributes:
        series: how many.
        seconds: on the clock.
        cpu_seconds: of all threads.
        memory: peak of what it allocated, in bytes; None where it was not measured.
    """

    name: str
    series: int
    seconds: float
    cpu_seconds: float
    memory: int | None = None

    @property
    def rate(self) -> float:
        """Series a second on the clock, as the machine was."""
        return self.series / self.seconds

    @property
    def rate_of_cores(self) -> float:
        """Series a second of two processors that do nothing else."""
        return CORES * self.series / self.cpu_seconds


def timed(name: str, series: int, work: Callable[[], object], *, repeats: int = 5, memory: bool = False) -> Row:
    """The least times of several runs, after one that does not count; the peak of its memory in a run of its own."""
    work()
    times = [_times(work) for _ in range(repeats)]
    peak = _peak_of(work) if memory else None
    return Row(name, series, min(wall for wall, _ in times), min(cpu for _, cpu in times), peak)


def _peak_of(work: Callable[[], object]) -> int:
    """The most bytes that it had allocated at a time."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _times(work: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu
