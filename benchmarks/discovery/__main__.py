"""``make bench-discovery``: one large cluster, a fleet of large clusters, and a fleet of very many.

With none of the options, all of them: allow a quarter of an hour. ``JSON=file`` writes the figures as JSON, too.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from pathlib import Path
from typing import Any

from benchmarks.discovery import fleet, large


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.discovery", description=__doc__)
    parser.add_argument("--large", action="store_true", help="one cluster of 500 nodes and 30,000 pods")
    for name, each in fleet.FLEETS.items():
        parser.add_argument(f"--{name}-fleet", action="store_true", help=each.name)
    given = {name for name, chosen in vars(parser.parse_args()).items() if chosen}
    figures: dict[str, Any] = {}
    if not given or "large" in given:
        figures["large"] = large.main()
    for name in fleet.FLEETS:
        if not given or f"{name}_fleet" in given:
            figures[f"{name}_fleet"] = fleet.main(name)
    if target := os.environ.get("JSON"):
        machine = {"cpus": os.cpu_count(), "python": platform.python_version()}
        document = {"benchmark": "discovery", "machine": machine, **figures}
        Path(target).write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
