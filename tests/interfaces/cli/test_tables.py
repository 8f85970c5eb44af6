"""Results as tables: of clusters that are gone, and with text that is not to be trusted."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from fleet.findings.finding import FindingState
from fleet.findings.incident import Harm, Incident, Stretch
from fleet.frames.coverage import CoverageStatus, Signal
from fleet.frames.pack import Severity
from fleet.frames.signals import SignalCoverage
from interfaces.cli.result import ClusterCoverage, IncidentLine, ScanResult
from interfaces.cli.tables import (
    MOST_MODELS,
    coverage_table,
    findings_table,
    models_line,
    print_incidents,
    print_open_incidents,
    uncompared_line,
)
from tests.storage.entities import CLUSTER, T0, finding, hours, incident


def shown(table: object) -> str:
    console = Console(file=io.StringIO(), width=200, force_terminal=True, color_system="standard")
    console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_findings_of_a_cluster_that_was_removed_meanwhile_bear_its_id() -> None:
    found = [finding(hours(0, 1)), finding(hours(0, 1), cluster_id="fedcba987654")]
    text = shown(findings_table(found, {CLUSTER: "east"}))
    assert "east" in text
    assert "fedcba987654" in text


def test_what_a_server_said_of_a_signal_sends_the_terminal_nothing() -> None:
    def seen(signal: Signal, *reasons: str) -> dict[str, object]:
        status = CoverageStatus.UNKNOWN if reasons else CoverageStatus.OK
        told = {"signal": signal, "status": status, "seen_ratio": 1.0, "reasons": list(reasons), "missed": True}
        return SignalCoverage.model_validate(told).model_dump()

    hostile = "[red]\x1b]0;title\x07 \x00 502"
    beside = [seen(signal, hostile) for signal in list(Signal)[1:]]
    row = ClusterCoverage.model_validate({**seen(Signal.METRICS), "cluster": "east", "grade": "A", "beside": beside})
    text = shown(coverage_table([row]))
    assert "[red]" in text
    assert "\x1b]" not in text
    assert "\x07" not in text
    assert "\x00" not in text


def test_the_versions_by_which_clusters_were_judged_are_told_but_not_all_of_a_large_fleet() -> None:
    seen = {
        "signal": Signal.METRICS,
        "status": CoverageStatus.OK,
        "seen_ratio": 1.0,
        "grade": "A",
        "reasons": [],
        "beside": [],
    }
    seen["history_days"] = 14
    told = [{**seen, "cluster": f"edge-{number}", "model_version": number} for number in range(MOST_MODELS + 2)]
    rows = [ClusterCoverage.model_validate({"missed": False, **each}) for each in told]
    assert models_line(rows[:2]) == "judged by learnt state, version: edge-0 0, edge-1 1"
    assert models_line(rows).endswith(f"edge-{MOST_MODELS - 1} {MOST_MODELS - 1} and 2 more")
    alone, unseen = (
        rows[0].model_copy(update={"model_version": None, "grade": grade}) for grade in ("A", "not graded")
    )
    assert "own window" not in models_line([rows[1], unseen])
    assert models_line([unseen]) == ""
    both = models_line([rows[1], alone]).splitlines()
    assert both[0].endswith("version: edge-1 1")
    assert "own window" in both[1]
    assert both[1].endswith(f": {alone.cluster}")
    little = models_line([rows[1], rows[2].model_copy(update={"history_days": 5})]).splitlines()
    assert little[1].endswith("no number of false findings is promised: edge-2 (5)")


def test_clusters_that_were_not_compared_are_told_with_the_reason() -> None:
    assert uncompared_line({}) == ""
    few, unknown = uncompared_line({"openshift 4.19": ["east", "west"], "": ["bare"]}).splitlines()
    assert few == "not compared with other clusters, for want of 5 alike: openshift 4.19 (east, west)"
    assert unknown == "not compared with other clusters, for want of a known version: bare"


def told(lines: list[Incident], apart: int = 0) -> str:
    result = ScanResult(
        scan_id="scan",
        state="completed",
        window=hours(0, 24),
        sensitivity="MEDIUM",
        coverage=[],
        incidents=[
            IncidentLine(
                **each.model_dump(include={"id", "title", "severity", "started_at", "ended_at"}),
                cluster="east",
                subject=each.subject.display,
                phase=each.phase,
                standing=each.standing,
                reopenings=each.reopenings,
                why=each.harm.why,
                investigation_id=None,
                causes=[],
            )
            for each in lines
        ],
        findings=3,
        findings_apart=apart,
        worst=Severity.WARNING,
    )
    console = Console(file=io.StringIO(), width=200)
    print_incidents(console, result)
    print_open_incidents(console, lines)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "since 2026-11-20 12:00Z, ongoing"),
        ({"ended_at": hours(0, 2).end}, "2026-11-20 12:00Z to 2026-11-20 14:00Z, ended"),
        (
            {"ended_at": hours(0, 2).end, "state": FindingState.RESOLVED},
            "2026-11-20 12:00Z to 2026-11-20 14:00Z, resolved",
        ),
        (
            {"stretches": [Stretch(start=T0, end=hours(0, 1).end), Stretch(start=hours(3, 4).start)]},
            "since 2026-11-20 12:00Z, ongoing, reopened once",
        ),
    ],
)
def test_an_incident_tells_where_it_stands_and_why_it_ranks_there(fields: dict[str, object], words: str) -> None:
    text = told([incident("i-1", ["f"], harm=Harm(why="warning; [red]goes on"), **fields)])
    assert f"warning  {words}\n" in text
    assert "why here: warning; [red]goes on" in text
    assert f"({words})" in text


def test_findings_that_are_in_no_incident_are_counted() -> None:
    assert "Findings too weak and too short for an incident, so far: 2." in told([], apart=2)
    assert "too weak" not in told([])
