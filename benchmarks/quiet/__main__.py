"""False findings on quiet data of many kinds, at each sensitivity, beside what the sensitivity promises.

The count of series with a finding has to lie inside the exact 99.9% Poisson interval of the budget times the days, from
both sides: more is a broken promise, less is power given away. ``JSON=file`` writes the same as JSON.

Run: ``make bench-quiet`` or ``python -m benchmarks.quiet --days 30 --low-days 300 [--kind gaussian]``.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.quiet.counting import CONFIDENCE, SERIES, Count, counts_of, findings_of_day
from benchmarks.quiet.kinds import KINDS, Kind
from fleet.detectors.contract import Sensitivity

_NOT_LOW = (Sensitivity.MEDIUM, Sensitivity.HIGH, Sensitivity.EXTREME)


def main() -> None:
    """Runs the benchmark, prints its table and exits with 1 where a promise is not kept."""
    options = _options()
    chosen = [kind for kind in KINDS if options.kind.lower() in kind.name.lower()]
    counts = [count for kind in _counted(chosen, options) for count in kind]
    _print(counts)
    if target := os.environ.get("JSON"):
        rows = [{**asdict(each), "expected": each.expected, "interval": each.interval} for each in counts]
        Path(target).write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    raise SystemExit(0 if all(each.inside for each in counts) else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=30, help="cluster-days of each kind")
    parser.add_argument("--low-days", type=int, default=300, help="cluster-days of each kind at LOW")
    parser.add_argument("--kind", default="", help="only kinds whose name contains this")
    parser.add_argument("--hour", type=int, default=0, help="at which the days begin, UTC")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


def _counted(kinds: list[Kind], options: argparse.Namespace) -> Iterator[list[Count]]:
    days = max(options.days, options.low_days)
    console = Console(stderr=True)
    with ProcessPoolExecutor(options.processes) as pool, Progress(console=console, transient=True) as progress:
        task = progress.add_task("Quiet days", total=len(kinds) * days)
        for kind in kinds:
            progress.update(task, description=kind.name)
            futures = [
                pool.submit(findings_of_day, kind, options.seed, day, _asked(day, options), hour=options.hour)
                for day in range(days)
            ]
            results = []
            for future in futures:
                results.append(future.result())
                progress.advance(task)
            yield counts_of(kind, results)


def _asked(day: int, options: argparse.Namespace) -> list[Sensitivity]:
    low = [Sensitivity.LOW] if day < options.low_days else []
    return [*low, *(_NOT_LOW if day < options.days else ())]


def _print(counts: list[Count]) -> None:
    title = f"Series with a finding on quiet days of {SERIES:,} series, and the promise's {CONFIDENCE:.1%} interval"
    table = Table(title=title)
    for number, column in enumerate(("kind", "sensitivity", "days", "found", "expected", "interval", "")):
        table.add_column(column, justify="right" if number > 1 else "left")
    for each in counts:
        low, high = each.interval
        table.add_row(
            each.kind,
            each.sensitivity.value,
            f"{each.cluster_days:g}",
            str(each.found),
            f"{each.expected:g}",
            f"{low} … {high}",
            "inside" if each.inside else "OUTSIDE",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
