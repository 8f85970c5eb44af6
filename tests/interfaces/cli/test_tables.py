"""Results as tables: of clusters that are gone, and with text that is not to be trusted."""

from __future__ import annotations

import io

from rich.console import Console

from fleet.frames.coverage import CoverageStatus, Signal
from fleet.frames.signals import SignalCoverage
from interfaces.cli.result import ClusterCoverage
from interfaces.cli.tables import MOST_MODELS, coverage_table, findings_table, models_line
from tests.storage.entities import CLUSTER, finding, hours


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
    told = [{**seen, "cluster": f"edge-{number}", "model_version": number} for number in range(MOST_MODELS + 2)]
    rows = [ClusterCoverage.model_validate({"missed": False, **each}) for each in told]
    assert models_line(rows[:2]) == "judged by learnt state, version: edge-0 0, edge-1 1"
    assert models_line(rows).endswith(f"edge-{MOST_MODELS - 1} {MOST_MODELS - 1} and 2 more")
    assert "by its own window" in models_line([row.model_copy(update={"model_version": None}) for row in rows])
