"""Quality of detection on public labelled data: the pipeline, its detectors, and peers.

Scores are measured by VUS-PR (as TSB-AD defines it) and by the best F1 of points (no point adjustment), findings by
events. One configuration for all sets. Where a set has a train part, that is the history, unlabelled; NAB has none:
each file is scored as its own past, by every method, and its six files without a label are left out. ``--reference``
computes the pipeline's VUS-PR by the package TSB-AD, too, and says how far the figures differ. ``JSON=file`` writes all
figures as JSON, ``--plots docs`` draws the plots of the documentation.

Run: ``make bench-detection`` or ``python -m benchmarks.detection [--sets nab] [--no-events] [--no-peers]``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.detection.cases import DATA, SETS, Case, Numbers, read, unlabelled
from benchmarks.detection.measures import Events, best_point_f1
from benchmarks.detection.peers import PEERS
from benchmarks.detection.plots import bars, example
from benchmarks.detection.replay import replay
from benchmarks.detection.vus import reference, vus_pr
from fleet.detectors.catalogue import screens
from fleet.detectors.contract import Detector, Sensitivity
from fleet.detectors.point_scores import point_scores
from fleet.detectors.shortlist.subspace import SubspaceWindows

PIPELINE = "pipeline"
PUBLISHED = {
    "nab": "published, TSB-AD's 23 NAB files: POLY 0.484",
    "kpi": "published, other files of this set in TSB-AD (IOPS): MOMENT fine-tuned 0.377",
    "smd": "measured before, three machines: PCA reconstruction 0.56",
}
_EXAMPLE = "machine_temperature_system_failure"

console = Console()


def main() -> None:
    """Runs the benchmark and prints its tables; exits with 3 where the data are missing."""
    options = _options()
    if not DATA.is_dir():
        console.print(f"No labelled data in {DATA}: the benchmark reads them from there.", soft_wrap=True)
        sys.exit(3)
    report: dict[str, Any] = {"scores": {}, "events": {}}
    for data_set in options.sets:
        cases = list(read(data_set))
        report["scores"][data_set] = _scored(cases, options)
        _print_scores(data_set, report["scores"][data_set], len(cases))
        if not options.no_events:
            report["events"][data_set] = _replayed(cases)
            _print_events(data_set, report["events"][data_set])
    if "nab" in options.sets:
        console.print(f"Left out, no label: {', '.join(unlabelled())}", soft_wrap=True)
    if options.plots:
        means = {
            data_set: {name: row["vus_pr"] for name, row in rows.items()} for data_set, rows in report["scores"].items()
        }
        bars(options.plots / "detection-quality.svg", means)
    if target := os.environ.get("JSON"):
        Path(target).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--no-peers", action="store_true", help="the pipeline and its detectors only")
    parser.add_argument("--no-events", action="store_true", help="scores only")
    parser.add_argument("--reference", action="store_true", help="the pipeline's VUS-PR by TSB-AD itself, too (slow)")
    parser.add_argument("--plots", type=Path, help="a folder for plots")
    return parser.parse_args()


def _methods(options: argparse.Namespace) -> dict[str, Callable[[Case], Numbers]]:
    detectors = [SubspaceWindows(_whole_file), *screens()]
    methods: dict[str, Callable[[Case], Numbers]] = {PIPELINE: _pipeline}
    methods |= {detector.name: _by_detector(detector) for detector in detectors}
    return methods if options.no_peers else methods | PEERS


def _whole_file(key: object) -> str:
    """All metrics of a file are of one subject."""
    return "file"


def _pipeline(case: Case) -> Numbers:
    (scores,) = point_scores(case.frame, case.history, _whole_file).values()
    return scores[case.columns].astype(np.float64)


def _by_detector(detector: Detector) -> Callable[[Case], Numbers]:
    def scores(case: Case) -> Numbers:
        of_rows = detector.score(case.frame, case.history).values
        # What a detector cannot say is no anomaly to it.
        return np.nan_to_num(np.fmax.reduce(of_rows, axis=0)[case.columns]).astype(np.float64)

    return scores


def _scored(cases: list[Case], options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for name, method in _methods(options).items():
        volumes, f1, differences = {}, [], []
        for case in cases:
            scores = method(case)
            volumes[case.name] = vus_pr(scores, case.labels, case.window)
            f1.append(best_point_f1(scores, case.labels))
            if name == PIPELINE and options.reference:
                differences.append(abs(volumes[case.name] - reference(scores, case.labels, case.window)))
            if name == PIPELINE and options.plots and case.name == _EXAMPLE:
                example(options.plots / "detection-example.svg", case, scores)
        rows[name] = {
            "vus_pr": float(np.mean(list(volumes.values()))),
            "point_f1": float(np.mean(f1)),
            "files": volumes,
            "largest_difference_from_tsb_ad": max(differences, default=None),
        }
    return rows


def _replayed(cases: list[Case]) -> dict[str, dict[str, Any]]:
    events = {each: Events() for each in Sensitivity}
    for case in cases:
        replay(case, events)
    return {
        sensitivity.value: {
            "events": each.events,
            "precision": each.precision,
            "recall": each.recall,
            "delay_minutes": each.delay_minutes,
            "false_a_day": each.false_a_day,
        }
        for sensitivity, each in events.items()
    }


def _print_scores(data_set: str, rows: dict[str, dict[str, Any]], files: int) -> None:
    table = Table(title=f"{data_set}: {files} files", caption=PUBLISHED[data_set])
    for number, column in enumerate(("method", "mean VUS-PR", "best point F1")):
        table.add_column(column, justify="right" if number else "left")
    for name, row in sorted(rows.items(), key=lambda each: -each[1]["vus_pr"]):
        style = "bold" if name == PIPELINE else ""
        table.add_row(name, f"{row['vus_pr']:.3f}", f"{row['point_f1']:.3f}", style=style)
    console.print(table)
    difference = rows[PIPELINE]["largest_difference_from_tsb_ad"]
    if difference is not None:
        console.print(f"The pipeline's figures differ from the package TSB-AD's by at most {difference:.1e}.")


def _print_events(data_set: str, rows: dict[str, dict[str, Any]]) -> None:
    table = Table(title=f"{data_set}: the pipeline's findings, each day judged by the days before it")
    columns = ("sensitivity", "events", "precision", "recall", "median delay (min)", "false findings a day")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    for sensitivity, row in rows.items():
        table.add_row(
            sensitivity,
            f"{row['events']}",
            _shown(row["precision"], 2),
            _shown(row["recall"], 2),
            _shown(row["delay_minutes"], 0),
            _shown(row["false_a_day"], 3),
        )
    console.print(table)


def _shown(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


if __name__ == "__main__":
    main()
