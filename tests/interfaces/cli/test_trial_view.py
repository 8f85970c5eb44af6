"""How a pack's trial reads on a narrow terminal."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from fleet.collectors.prometheus.trial import QueryTrial
from fleet.frames.coverage import CoverageStatus
from fleet.frames.pack_file import default_pack
from interfaces.cli.pack.trial_view import print_trial
from interfaces.cli.pack.trying import PackTrial

REASON = "the server has no metric kube_pod_container_resource_limits, nor kube_pod_container_resource_limits_memory"


def shown(*queries: QueryTrial, cluster: str = "edge-1") -> list[str]:
    text = StringIO()
    trial = PackTrial(cluster=cluster, endpoint="http://one:9090", status=CoverageStatus.OK, queries=list(queries))
    print_trial(Console(file=text, width=80), trial)
    return text.getvalue().splitlines()


def test_reasons_are_read_whole_beside_what_was_answered() -> None:
    lines = shown(
        QueryTrial(query_id="a", status=CoverageStatus.OK, form=1, series=3, value=0.5, unit="ratio"),
        QueryTrial(query_id="b", status=CoverageStatus.ABSENT, unit="ratio", reason=REASON),
        QueryTrial(query_id="c", status=CoverageStatus.ABSENT, unit="ratio", reason=REASON),
    )
    assert f"absent b, c: {REASON}" in lines
    assert lines[2].split() == ["a", "ok", "1", "3", "0", "ms", "50%"]


def test_a_server_that_does_not_answer_is_told_once() -> None:
    fault = "http://one:9090 cannot be reached: connection refused."
    queries = [
        QueryTrial(query_id=query.id, status=CoverageStatus.UNKNOWN, unit=query.unit, reason=fault)
        for query in default_pack().queries
    ]
    lines = shown(*queries, cluster="http://one:9090")
    others = len(queries) - 1
    assert lines == [
        "http://one:9090",
        f"unknown cluster_cpu_util and {others} others: {fault}",
        f"{len(queries)} unknown; 0.0 s of asking",
    ]
