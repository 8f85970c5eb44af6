"""``python -m benchmarks.discovery``: ``--large`` for one cluster of 500 nodes and 30,000 pods."""

from __future__ import annotations

import argparse

from benchmarks.discovery import large


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.discovery", description=__doc__)
    parser.add_argument("--large", action="store_true", help="one cluster of 500 nodes and 30,000 pods")
    if parser.parse_args().large:
        large.main()


if __name__ == "__main__":
    main()
