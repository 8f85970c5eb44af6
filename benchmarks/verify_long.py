"""Whether detection keeps its promise on simulated fleets, over so many days that chance has no say.

Every labelled fault has to be found at HIGH, and the findings on clusters without faults at MEDIUM have to lie inside
the exact 99% Poisson interval of MEDIUM's budget, scaled by the series that were judged. Prints what was found falsely.
Exits with 1 when either does not hold. ``JSON=file`` writes the same as JSON.

Run: ``make verify-long`` or ``python -m benchmarks.verify_long --days 50``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from scipy.stats import poisson

from benchmarks.rca import Fleet, QuietCluster, run_fleet
from fleet.detectors.calibration.budget import false_findings_per_day
from fleet.detectors.contract import Sensitivity

_CLUSTERS = 5
_OUTSIDE = 0.01
"""The chance that a promise that is kept looks broken here."""


def main() -> None:
    """Runs the fleets, prints what was found and missed, and exits with 1 where the promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=50, help="days of quiet clusters, one day a cluster")
    fleets = run_fleets(parser.parse_args().days)
    sys.exit(0 if report(fleets) else 1)


def run_fleets(days: int) -> list[Fleet]:
    """Fleets of ``_CLUSTERS`` clusters, one seed after the other, until there are so many quiet days."""
    fleets: list[Fleet] = []
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("quiet cluster-days", total=days)
        while (done := sum(len(fleet.quiet) for fleet in fleets)) < days:
            progress.update(bar, completed=done)
            fleets.append(run_fleet(seed=len(fleets) + 1, clusters=_CLUSTERS))
    return fleets


def report(fleets: list[Fleet]) -> bool:
    """Prints the figures; whether every fault was found and the quiet clusters stayed inside the interval."""
    faults = [result for fleet in fleets for result in fleet.results]
    quiet = [cluster for fleet in fleets for cluster in fleet.quiet]
    missed = [fault for fault in faults if not fault.found]
    false = sum(len(cluster.findings) for cluster in quiet)
    expected = _expected(quiet)
    low, high = (int(poisson.ppf(share, expected)) for share in (_OUTSIDE / 2, 1 - _OUTSIDE / 2))
    console = Console(width=120)
    console.print(f"Labelled faults found at HIGH: {len(faults) - len(missed)} of {len(faults)}")
    for fault in missed:
        console.print(f"  missed: {fault.fault} ({fault.kind})", markup=False)
    console.print(
        f"Findings on {len(quiet)} quiet cluster-days at MEDIUM: {false} ({expected:.1f} expected, {low}–{high})"
    )
    for cluster in quiet:
        for title in cluster.findings:
            console.print(f"  {cluster.name}: {title}", markup=False)
    if target := os.environ.get("JSON"):
        figures = {
            "faults": [asdict(fault) for fault in faults],
            "quiet": [asdict(cluster) for cluster in quiet],
            "expected": expected,
            "interval": [low, high],
        }
        Path(target).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return not missed and low <= false <= high


def _expected(quiet: list[QuietCluster]) -> float:
    """The findings that MEDIUM's budget allows on these clusters, each a day of its series."""
    return sum(false_findings_per_day(Sensitivity.MEDIUM, cluster.series) for cluster in quiet)


if __name__ == "__main__":
    main()
