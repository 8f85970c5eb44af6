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
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from fleet.collectors.kubernetes import collect_inventory
from fleet.collectors.prometheus import PrometheusClient, collect_pack
from fleet.credentials import Credential
from fleet.detectors.contract import Sensitivity
from fleet.detectors.scan import detect
from fleet.findings.assess import ScanContext, findings_of
from fleet.findings.correlation import correlate
from fleet.findings.finding import Finding
from fleet.findings.incident import Incident
from fleet.frames.coverage import Coverage
from fleet.frames.frame import Frame, concatenate
from fleet.frames.pack_file import default_pack
from fleet.frames.window import CHUNK, HISTORY_CHUNK, HISTORY_STEP_SECONDS, STEP_SECONDS, Window
from fleet.inventory.cluster import Cluster, Endpoint, EndpointKind
from fleet.inventory.inventory import Inventory
from fleet.inventory.subject import Subject
from fleet.inventory.topology import Topology
from fleet.investigations.investigate import investigate
from fleet.investigations.investigation import Cause, Investigation
from fleet.investigations.question import Material, Question
from simulator.fleet import FleetOptions, SimulatedFleet

ANCHOR = datetime(2026, 3, 3, tzinfo=UTC)
"""Fixed, so that a run can be repeated sample by sample."""
DAY, HISTORY = timedelta(days=1), timedelta(days=14)
LATE = timedelta(minutes=15)
PACK = default_pack()


@dataclass(frozen=True)
class TokenFile:
    """A credential source over the simulator's token file."""

    path: Path

    def credential(self, *, refresh: bool = False) -> Credential:
        """The token in the file."""
        return Credential(token=SecretStr(self.path.read_text(encoding="ascii").strip()))


@dataclass(frozen=True)
class Seen:
    """What was collected of one cluster, and what it took to judge and investigate it."""

    material: Material
    incidents: list[tuple[Incident, Investigation]]
    detect_seconds: float
    investigate_seconds: float


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


def main() -> None:
    """Runs the benchmark and prints its table."""
    options = _options()
    results: list[Result] = []
    quiet: list[int] = []
    seconds: dict[str, list[float]] = defaultdict(list)
    for seed in range(1, options.seeds + 1):
        with SimulatedFleet(FleetOptions(clusters=options.clusters, seed=seed, anchor=ANCHOR)) as fleet:
            truth = fleet.truth
            for row in fleet.registration["clusters"]:
                faults = [fault for fault in truth["faults"] if fault["cluster"] == row["name"]]
                seen = _see(row, Sensitivity.HIGH if faults else Sensitivity.MEDIUM, options)
                seconds["detect"].append(seen.detect_seconds)
                seconds["investigate"].append(seen.investigate_seconds)
                results += [_judge(fault, seen) for fault in faults]
                if not faults:
                    quiet.append(len(seen.incidents))
    report = _report(results, quiet, seconds, options)
    _print(report)
    if target := os.environ.get("JSON"):
        Path(target).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clusters", type=int, default=5, help="clusters a fleet (two in five get faults)")
    parser.add_argument("--seeds", type=int, default=5, help="how many fleets")
    parser.add_argument("--ad-hoc", action="store_true", help="without the cluster API, as for a Prometheus alone")
    parser.add_argument("--no-history", action="store_true", help="without the two weeks before")
    return parser.parse_args()


def _see(row: dict[str, Any], sensitivity: Sensitivity, options: argparse.Namespace) -> Seen:
    endpoints = {EndpointKind(kind): Endpoint(**endpoint) for kind, endpoint in row["endpoints"].items()}
    cluster = Cluster(name=row["name"], endpoints=endpoints)
    source = TokenFile(Path(row["credential"]["token_file"]))
    inventory = None if options.ad_hoc else collect_inventory(cluster, source)
    window = Window.before(ANCHOR, DAY)
    frame, coverage = _collect(cluster, source, window, STEP_SECONDS, CHUNK)
    past = Window.before(window.start, HISTORY)
    history = None if options.no_history else _collect(cluster, source, past, HISTORY_STEP_SECONDS, HISTORY_CHUNK)[0]
    return _judged(cluster, inventory, frame, history, (coverage, sensitivity))


def _collect(
    cluster: Cluster, source: TokenFile, window: Window, step_seconds: int, chunk: timedelta
) -> tuple[Frame, list[Coverage]]:
    with PrometheusClient(cluster.endpoints[EndpointKind.PROMETHEUS], source) as client:
        chunks = list(collect_pack(client, cluster.id, PACK, [window], step_seconds, chunk))
    frame = concatenate([frame for _, frame, _ in chunks], window, step_seconds)
    return frame, [coverage for _, _, coverage in chunks]


def _judged(
    cluster: Cluster,
    inventory: Inventory | None,
    frame: Frame,
    history: Frame | None,
    terms: tuple[list[Coverage], Sensitivity],
) -> Seen:
    coverage, sensitivity = terms
    topology = Topology.of(inventory)
    began = time.perf_counter()
    anomalies = detect(frame, history, PACK, sensitivity)
    detected = time.perf_counter()
    context = ScanContext(cluster.id, "bench", sensitivity, topology=topology, coverage=coverage)
    findings = findings_of(anomalies, frame, PACK, context)
    incidents = correlate(findings, topology, [], "bench")
    material = Material(frame, PACK, findings, ANCHOR, history, inventory, coverage)
    correlated = time.perf_counter()
    answers = [(each, investigate(Question.of_incident(each, frame.window), material)) for each in incidents]
    return Seen(material, answers, detected - began, time.perf_counter() - correlated)


def _judge(fault: dict[str, Any], seen: Seen) -> Result:
    start = datetime.fromisoformat(fault["start"])
    own = _incidents_of(fault, seen)
    rank, best, investigation = None, None, None
    if own:
        investigation = own[0][1]
        best = next((cause for cause in investigation.causes if _is(cause, fault)), None)
        rank = best.rank if best else None
    findings = {each.fingerprint: each for each in seen.material.findings}
    members = [findings[each] for each in own[0][0].fingerprints] if own else []
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
        each.fingerprint
        for each in seen.material.findings
        if each.query_id in fault["queries"] and start - LATE <= each.window.start <= end + LATE
    }
    counted = [
        (len(shown.intersection(incident.fingerprints)), incident, answer) for incident, answer in seen.incidents
    ]
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


def _report(
    results: list[Result], quiet: list[int], seconds: dict[str, list[float]], options: argparse.Namespace
) -> dict[str, Any]:
    kinds = {kind: [each for each in results if each.kind == kind] for kind in sorted({each.kind for each in results})}
    return {
        "options": vars(options),
        "kinds": {kind: _summary(rows) for kind, rows in [*kinds.items(), ("all", results)]},
        "incidents_per_quiet_cluster_and_day": sum(quiet) / len(quiet) if quiet else None,
        "seconds_per_cluster": {name: round(median(values), 3) for name, values in seconds.items()},
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
    console.print(f"Median seconds per cluster: {report['seconds_per_cluster']}")
    for fault in report["faults"]:
        if fault["rank"] is None or fault["rank"] > 2:
            console.print(f"Not named in time: {fault}")


if __name__ == "__main__":
    main()
