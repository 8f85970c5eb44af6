"""What a run costs while it goes on: wall time, CPU time and peak memory, of this process and of its shards apart."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psutil

from benchmarks.process_memory import peak_mib

_SAMPLE_SECONDS = 0.2
SHARD = "flows.run_process"


class Watched:
    """A block of this process; its shards are looked at five times a second, for they are gone when it ends."""

    def __init__(self) -> None:
        self._own = psutil.Process()
        self._shards: dict[int, tuple[float, float]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watched:
        # The peak until now is forgotten (proc(5)).
        Path("/proc/self/clear_refs").write_text("5")
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        seconds, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        self._over.set()
        self._thread.join()
        shards = self._shards.values()
        self.figures = {
            "seconds": seconds,
            "run_cpu_seconds": cpu,
            "run_peak_mib": peak_mib(self._own.pid),
            "shards_cpu_seconds": sum(cpu for _, cpu in shards),
            "shard_peak_mib": max((peak for peak, _ in shards), default=0.0),
        }

    def _watch(self) -> None:
        while not self._over.wait(_SAMPLE_SECONDS):
            for child in self._own.children():
                try:
                    if SHARD in child.cmdline():
                        times = child.cpu_times()
                        self._shards[child.pid] = (peak_mib(child.pid), float(times.user + times.system))
                except (psutil.Error, FileNotFoundError, ValueError):
                    # Gone between two looks: what was seen of it last stands.
                    continue
