"""What the first scan after an installation pays: compiling, in a process with an empty cache, and in one without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from benchmarks.speed.detectors import Judged
from fleet.detectors.shortlist.subspace import SubspaceWindows

MOST_SECONDS = 20.0
_SERIES = 100


def main() -> dict[str, Any]:
    """Measures, and prints."""
    with TemporaryDirectory(prefix="bench-compiling-") as cache:
        first, second = (_in_process(cache) for _ in range(2))
    Console().print(
        f"Learning and judging {_SERIES} series, with a second look, in a process: {first['cpu_seconds']:.1f} s "
        f"of processor time ({first['seconds']:.1f} s) with nothing compiled, {second['cpu_seconds']:.1f} s "
        f"({second['seconds']:.1f} s) ever after; once at most {MOST_SECONDS:.0f} s"
    )
    return {"first": first, "second": second, "wanted": MOST_SECONDS}


def _in_process(cache: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.speed.compiling"],
        env={**os.environ, "NUMBA_CACHE_DIR": cache},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _judge() -> dict[str, float]:
    """Everything that a scan may compile, on few series."""
    judged = Judged(_SERIES)
    wall, cpu = time.perf_counter(), time.process_time()
    judged.scan()
    judged.robust_score()
    SubspaceWindows().score(judged.frame, judged.history)
    return {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}


if __name__ == "__main__":
    print(json.dumps(_judge()))
