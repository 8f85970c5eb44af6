"""Root causes on simulated fleets with labelled faults, in process: collect → detect → correlate → investigate.

For every injected fault: was an incident found, at which rank does its investigation name the injected cause (kind and
subject), and, for comparison, at which rank do two trivial baselines name its subject (the findings of the incident
by time, and by strength). ``JSON=file`` writes the same as JSON.

Run: ``make bench-rca`` or ``python -m benchmarks.rca --seeds 5 --clusters 5 [--ad-hoc] [--no-history]``.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.simulated_cluster import ANCHOR, Seen, see_cluster
from fleet.detectors.contract import Sensitivity
from fleet.findings.finding import Finding
from fleet.findings.incident import Incident
from fleet.inventory.subject import Subject
from fleet.investigations.investigation import Cause, Investigation
from simulator.fleet import FleetOptions, SimulatedFleet

LATE = timedelta(minutes=15)
_NOTHING_TO_DO = 0.001


@dataclass(frozen=True)
class Result:
    """One injected fault; ranks are None where it was not named, the baselines know subjects only."""

    fault: str
    kind: str
    found: bool
    rank: int | None
    confidence: float | None
    verdict: str | None
    start_error_minutes: float | None
    earliest_rank: int | None
    strongest_rank: int | None


@dataclass(frozen=True)
class QuietCluster:
    """A day of a cluster without faults: all that was found there is false."""

    name: str
    series: int
    findings: list[str]
    incidents: int


@dataclass(frozen=True)
class Fleet:
    """One simulated fleet: a result for every fault, every quiet cluster, seconds of every cluster."""

    results: list[Result]
    quiet: list[QuietCluster]
    seconds: list[tuple[float, float]]


def main() -> None:
    """Runs the benchmark and prints its table."""
    options = _options()
    fleets = [
        run_fleet(seed, options.clusters, inventory=not options.ad_hoc, past=not options.no_history)
        for seed in range(1, options.seeds + 1)
    ]
    report = {"options": vars(options), **_report(fleets)}
    _print(report)
    if target := os.environ.get("JSON"):
        Path(target).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def run_fleet(seed: int, clusters: int, *, inventory: bool = True, past: bool = True) -> Fleet:
    """Simulates one fleet and investigates every incident of its last day; HIGH where there are faults, else MEDIUM."""
    fleet = Fleet([], [], [])
    with SimulatedFleet(FleetOptions(clusters=clusters, seed=seed, anchor=ANCHOR)) as simulated:
        truth = simulated.truth
        for row in simulated.registration["clusters"]:
            faults = [fault for fault in truth["faults"] if fault["cluster"] == row["name"]]
            seen = see_cluster(row, Sensitivity.HIGH if faults else Sensitivity.MEDIUM, inventory=inventory, past=past)
            fleet.seconds.append((seen.detect_seconds, seen.investigate_seconds))
            fleet.results.extend(_judge(fault, seen) for fault in faults)
            if not faults:
                found = [finding.title for finding in seen.material.findings]
                fleet.quiet.append(QuietCluster(row["name"], len(seen.material.frame.keys), found, len(seen.incidents)))
    return fleet


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clusters", type=int, default=5, help="clusters a fleet (two in five get faults)")
    parser.add_argument("--seeds", type=int, default=5, help="how many fleets")
    parser.add_argument("--ad-hoc", action="store_true", help="without the cluster API, as for a Prometheus alone")
    parser.add_argument("--no-history", action="store_true", help="without the two weeks before")
    return parser.parse_args()


def _judge(fault: dict[str, Any], seen: Seen) -> Result:
    start = datetime.fromisoformat(fault["start"])
    own = _incidents_of(fault, seen)
    rank, best, investigation = None, None, None
    if own:
        investigation = own[0][1]
        best = next((cause for cause in investigation.causes if _is(cause, fault)), None)
        rank = best.rank if best else None
    findings = {each.id: each for each in seen.material.findings}
    members = [findings[each] for each in own[0][0].finding_ids] if own else []
    return Result(
        fault=fault["id"],
        kind=fault["kind"],
        found=bool(own),
        rank=rank,
        confidence=best.confidence if best else None,
        verdict=investigation.verdict.value if investigation else None,
        start_error_minutes=abs((best.started_at - start).total_seconds()) / 60 if best else None,
        earliest_rank=_baseline(sorted(members, key=lambda each: each.window.start), fault, seen),
        strongest_rank=_baseline(sorted(members, key=lambda each: -each.score / each.threshold), fault, seen),
    )


def _incidents_of(fault: dict[str, Any], seen: Seen) -> list[tuple[Incident, Investigation]]:
    """Incidents with findings on the fault's signals at its time, the one with most of them first."""
    start = datetime.fromisoformat(fault["start"])
    end = datetime.fromisoformat(fault["end"]) if fault["end"] else ANCHOR
    shown = {
        each.id
        for each in seen.material.findings
        if each.query_id in fault["queries"] and start - LATE <= each.window.start <= end + LATE
    }
    counted = [(len(shown.intersection(incident.finding_ids)), incident, answer) for incident, answer in seen.incidents]
    counted.sort(key=lambda each: (-each[0], each[1].rank))
    return [(incident, answer) for count, incident, answer in counted if count]


def _is(cause: Cause, fault: dict[str, Any]) -> bool:
    wanted = fault["cause"]
    return cause.kind.value == wanted["kind"] and _same(cause.subject, wanted["subject"])


def _same(subject: Subject, wanted: dict[str, Any]) -> bool:
    """Kind, namespace, name and part are the truth's; without an inventory a node is known by its address only."""
    if subject.kind.value != wanted["kind"] or (subject.namespace or None) != wanted["namespace"]:
        return False
    address_only = wanted["kind"] == "device" and subject.name.endswith(":9100")
    return (subject.name == wanted["name"] or address_only) and (subject.part or None) == wanted["part"]


def _baseline(findings: list[Finding], fault: dict[str, Any], seen: Seen) -> int | None:
    """The rank of the true subject among the findings' subjects; pods and routes count as their workloads."""
    subjects = dict.fromkeys(_place(each.subject, seen) for each in findings)
    wanted = fault["cause"]["subject"]
    name = wanted.get("node") if wanted["kind"] == "component" else wanted["name"]
    truth = (wanted["namespace"], name)
    return next((rank for rank, place in enumerate(subjects, start=1) if place == truth), None)


def _place(subject: Subject, seen: Seen) -> tuple[str | None, str]:
    workload = seen.material.topology.workload_of(subject)
    return workload or (subject.namespace, subject.name)


def _report(fleets: list[Fleet]) -> dict[str, Any]:
    results = [result for fleet in fleets for result in fleet.results]
    quiet = [cluster.incidents for fleet in fleets for cluster in fleet.quiet]
    seconds = [each for fleet in fleets for each in fleet.seconds]
    faulty = [investigating for _, investigating in seconds if investigating > _NOTHING_TO_DO]
    kinds = {kind: [each for each in results if each.kind == kind] for kind in sorted({each.kind for each in results})}
    return {
        "kinds": {kind: _summary(rows) for kind, rows in [*kinds.items(), ("all", results)]},
        "incidents_per_quiet_cluster_and_day": sum(quiet) / len(quiet) if quiet else None,
        "detect_seconds": round(median(detecting for detecting, _ in seconds), 3),
        "investigate_seconds": round(median(faulty), 3) if faulty else None,
        "faults": [asdict(each) for each in results],
    }


def _summary(rows: list[Result]) -> dict[str, Any]:
    def within(name: str, rank: int) -> int:
        return sum(1 for row in rows if (value := getattr(row, name)) is not None and value <= rank)

    errors = [row.start_error_minutes for row in rows if row.start_error_minutes is not None]
    return {
        "faults": len(rows),
        "found": sum(row.found for row in rows),
        "first": within("rank", 1),
        "first_or_second": within("rank", 2),
        "lowest_confidence": min((row.confidence for row in rows if row.confidence is not None), default=None),
        "start_error_minutes": round(median(errors), 1) if errors else None,
        "earliest_first_or_second": within("earliest_rank", 2),
        "strongest_first_or_second": within("strongest_rank", 2),
    }


def _lines(report: dict[str, Any]) -> Iterator[list[str]]:
    for kind, row in report["kinds"].items():
        yield [kind, *("–" if value is None else str(value) for value in row.values())]


def _print(report: dict[str, Any]) -> None:
    table = Table(title="Root causes of injected faults: how many of them, and at which rank")
    columns = [
        "fault",
        "faults",
        "found",
        "rank 1",
        "rank ≤ 2",
        "least conf.",
        "start ± min",
        "earliest ≤ 2",
        "strongest ≤ 2",
    ]
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    for line in _lines(report):
        table.add_row(*line)
    console = Console(width=120)
    console.print(table)
    console.print(f"Incidents per quiet cluster and day at MEDIUM: {report['incidents_per_quiet_cluster_and_day']}")
    console.print(
        f"Median seconds per cluster: {report['detect_seconds']} to detect, {report['investigate_seconds']} to "
        "investigate all incidents of one that has any"
    )
    for fault in report["faults"]:
        if fault["rank"] is None or fault["rank"] > 2:
            console.print(f"Not named in time: {fault}")


if __name__ == "__main__":
    main()
