"""``make bench-collection``: logs and traces, collected from a simulated cluster over HTTPS.

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

from benchmarks.collection import logs, traces

PARTS: dict[str, Callable[[], dict[str, Any]]] = {"logs": logs.main, "traces": traces.main}


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collection", description=__doc__)
    for name in PARTS:
        parser.add_argument(f"--{name}", action="store_true", help=f"{name} alone")
    given = {name for name, chosen in vars(parser.parse_args()).items() if chosen}
    figures = {name: part() for name, part in PARTS.items() if not given or name in given}
    if target := os.environ.get("JSON"):
        machine = {"cpus": os.cpu_count(), "python": platform.python_version()}
        document = {"benchmark": "collection", "machine": machine, **figures}
        Path(target).write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
