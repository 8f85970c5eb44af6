"""``make bench-speed``: judging and learning beside a memory copy and beside peers, compiling, and a whole scan.

With none of the options, all of them. ``JSON=file`` writes the figures as JSON, too.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.speed import compiling, detectors, peers, whole_scan


def _whole_scan() -> dict[str, Any]:
    figures = whole_scan.rows()
    whole_scan.show(figures)
    return {"rows": figures}


PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    "detectors": detectors.main,
    "peers": peers.main,
    "compiling": compiling.main,
    "whole-scan": _whole_scan,
}


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    for name in PARTS:
        parser.add_argument(f"--{name}", action="append_const", const=name, dest="chosen", help=f"{name} alone")
    chosen = parser.parse_args().chosen or list(PARTS)
    figures = {name: part() for name, part in PARTS.items() if name in chosen}
    if target := os.environ.get("JSON"):
        machine = {"cpus": os.cpu_count(), "python": platform.python_version()}
        document = {"benchmark": "speed", "machine": machine, **figures}
        Path(target).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
