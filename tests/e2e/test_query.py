"""Ad-hoc queries of several clusters, as people and scripts ask them; one cluster that is broken takes nothing away."""

from __future__ import annotations

import json
import re
import shlex
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fleet.inventory.cluster import EndpointKind
from simulator.options import BrokenMode, FaultKind
from tests.e2e.fleets import ANCHOR, EVERY_KIND, Registered, register, simulated
from tests.e2e.installation import Installation, Outcome
from tests.fleet.collectors.kubernetes.simulated import registered
from tests.fleet.collectors.loki.test_simulated import push

COMMAND = Path(sys.executable).with_name("fleetscope")
PAGE = Path(__file__).parents[2] / "docs" / "queries.md"
THEN = ("--until", ANCHOR.isoformat())


@dataclass(frozen=True)
class Asked:
    """Two clusters of a fleet, one of them OpenShift with what its logging makes of lines."""

    installation: Installation
    clusters: Registered

    def query(self, what: str, *arguments: object, clusters: list[str] | None = None) -> Outcome:
        chosen = [word for name in clusters or self.clusters.names for word in ("--cluster", name)]
        return self.installation.fleetscope("query", what, *arguments, *chosen)


@pytest.fixture(scope="module")
def asked(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    directory = tmp_path_factory.mktemp("asked")
    with simulated(directory, clusters=2, nodes=3, workloads=9, faults=(FaultKind.BAD_ROLLOUT,)) as fleet:
        yield Asked(installation, register(installation, fleet, "asked", kinds=EVERY_KIND))


def test_metrics_by_id_and_by_expression(asked: Asked) -> None:
    shown = asked.query("metrics", "--id", "node_cpu_util", *THEN)
    assert shown.code == 0, shown.err
    assert "CPU used, per node, at 2026-03-03 00:00:00Z" in shown.out
    assert len(re.findall(r"asked-\S+ +\S+ +[0-9.]+%", shown.out)) == 6
    ranged = asked.query("metrics", "--id", "node_cpu_util", "--last", "2h", "--step", "5m", *THEN, "--json").json
    assert (ranged["unit"], ranged["step_seconds"], len(ranged["series"])) == ("ratio", 300, 6)
    assert {each["status"] for each in ranged["coverage"]} == {"ok"}
    for each in ranged["series"]:
        assert len(each["values"]) == 24
        assert each["values"][-1][0] == ANCHOR.timestamp()
    drawn = asked.query("metrics", "--id", "node_cpu_util", "--last", "2h", *THEN, "--plot").out
    assert drawn.count("━━ ") == 6
    assert "22:00 " in drawn
    assert "00:00Z" in drawn
    promql = "sum by (client, server) (increase(traces_service_graph_request_total[5m]))"
    answer = asked.query("metrics", promql, *THEN, "--json").json
    assert {each["cluster"] for each in answer["series"]} == set(asked.clusters.names)
    unknown = asked.query("metrics", "--id", "node_cpu_utl")
    assert (unknown.code, "node_cpu_util" in unknown.err) == (2, True)


@pytest.mark.parametrize("command", re.findall(r"^\$ fleetscope query (.+)$", PAGE.read_text(encoding="utf-8"), re.M))
def test_what_the_page_shows_can_be_asked(asked: Asked, command: str) -> None:
    what, *words = shlex.split(command)
    arguments = [word for word in words if word not in {"--cluster", "fra-02", "dub-01"}]
    shown = asked.query(what, *arguments)
    assert shown.code == 0, shown.err
    assert shown.out


def test_one_broken_cluster_is_a_line_and_an_exit_code(asked: Asked) -> None:
    fleet, name = asked.clusters.fleet, next(iter(asked.clusters.clusters))
    broken = asked.clusters.clusters[name]
    fleet.set_broken(name, BrokenMode.UNAUTHORIZED)
    try:
        for what, arguments in (
            ("metrics", ["--id", "node_cpu_util"]),
            ("logs", ["--limit", 5, *THEN]),
            ("traces", ["--limit", 5, *THEN]),
            ("alerts", []),
        ):
            shown = asked.query(what, *arguments)
            assert shown.code == 4, (what, shown)
            [line] = [line for line in shown.err.splitlines() if line.startswith("unknown")]
            assert line.startswith(f"unknown {broken}: ")
            assert broken not in shown.out
            assert asked.query(what, *arguments, "--allow-gaps").code == 0
            assert asked.query(what, *arguments, "--allow-gaps", clusters=[broken]).code == 3
    finally:
        fleet.set_broken(name, None)


def test_logs_by_place_text_and_level(asked: Asked) -> None:
    fault = asked.clusters.fleet.truth["faults"][0]
    troubled, subject = asked.clusters.clusters[fault["cluster"]], fault["subject"]
    choice = ("--namespace", subject["namespace"], "--level", "error", "--last", "2h", *THEN)
    lines = [json.loads(line) for line in asked.query("logs", *choice, "--limit", 0, "--json").out.splitlines()]
    assert len(lines) > 10
    assert troubled in {line["cluster"] for line in lines}
    assert {line["labels"]["detected_level"] for line in lines} <= {"error", "critical", "fatal", "unknown"}
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)
    assert {subject["namespace"]} == {
        line["labels"].get("namespace") or line["labels"]["kubernetes_namespace_name"] for line in lines
    }
    some = asked.query("logs", *choice, "--limit", 7)
    assert some.code == 0, some.err
    assert len(some.out.splitlines()) == 7
    assert "The last 7 lines of more" in some.err
    # What the container said, not the document in which OpenShift's logging keeps it.
    assert '"@timestamp"' not in some.out
    first = asked.query("logs", *choice, "--limit", 1, "--oldest-first", "--json").json
    assert first["time"] == lines[0]["time"]
    word = lines[0]["line"].split()[-1].strip('"}')
    assert asked.query("logs", *choice[:2], *choice[4:], "--contains", word, "--limit", 1, "--json").json["line"]


def test_numbers_and_labels_of_logs(asked: Asked) -> None:
    logql = 'sum by (detected_level) (count_over_time({service_name=~".+"}[5m]))'
    counted = asked.query("logs", logql, "--last", "1h", "--step", "5m", *THEN, "--json").json
    assert {each["cluster"] for each in counted["series"]} == set(asked.clusters.names)
    assert max(at for each in counted["series"] for at, _ in each["values"]) == ANCHOR.timestamp()
    assert "course" in asked.query("logs", logql, *THEN).out
    labels = asked.query("logs", "--labels", *THEN).out
    assert "kubernetes_pod_name" in labels
    assert "shop" in asked.query("logs", "--values", "namespace", *THEN).out
    assert asked.query("logs", "--values", "a/../b").code == 2
    refused = asked.query("logs", '{a="b"} ||')
    assert (refused.code, "parse error" in refused.err) == (3, True)


def test_traces_one_of_them_services_and_calls(asked: Asked) -> None:
    found = asked.query("traces", "--status", "error", "--last", "2h", "--limit", 3, *THEN, "--json").json["traces"]
    assert len(found) == 3
    assert all(sum(each["errors"].values()) for each in found)
    shown = asked.query("traces", "{ status = error }", "--last", "2h", "--limit", 3, *THEN)
    assert found[0]["trace_id"] in shown.out
    assert "The newest 3 of more" in shown.out
    tree = asked.query("traces", "--trace", found[0]["trace_id"])
    assert tree.code == 0, tree.err
    assert f"trace {found[0]['trace_id']}" in tree.out
    assert "●" in tree.out
    assert "└ " in tree.out
    spans = asked.query("traces", "--trace", found[0]["trace_id"], "--json").json["spans"]
    assert sum(each["critical_path_ns"] for each in spans) == max(each["duration_ns"] for each in spans)
    assert "checkout" in asked.query("traces", "--services", *THEN).out
    calls = asked.query("traces", "--dependencies", *THEN, "--json").json["calls"]
    assert {call["cluster"] for call in calls} == set(asked.clusters.names)
    assert {call["counted_by"] for call in calls} == {"the metrics generator"}
    assert all(call["latency_seconds"]["p95"] >= call["latency_seconds"]["p50"] for call in calls)


def post(asked: Asked, name: str, path: str, document: Any) -> None:
    endpoint = registered(asked.clusters.fleet, name).endpoints[EndpointKind.ALERTMANAGER]
    request = urllib.request.Request(  # noqa: S310 - the simulator's own address
        f"{endpoint.url}{path}",
        data=json.dumps(document).encode(),
        headers={"Authorization": f"Bearer {asked.clusters.fleet.token(name)}", "Content-Type": "application/json"},
    )
    urllib.request.urlopen(  # noqa: S310
        request, context=ssl.create_default_context(cadata=endpoint.ca_pem), timeout=30
    ).close()


def test_alerts_their_silences_and_rules(asked: Asked) -> None:
    name, now = next(iter(asked.clusters.clusters)), datetime.now(UTC)
    names = {"Noisy": "warning", "Broken": "critical"}
    fired = [{"labels": {"alertname": each, "severity": severity}} for each, severity in names.items()]
    post(asked, name, "/api/v2/alerts", fired)
    silence = {
        "matchers": [{"name": "alertname", "value": "Noisy", "isRegex": False, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=2)).isoformat(),
        "createdBy": "ann",
        "comment": "known",
    }
    post(asked, name, "/api/v2/silences", silence)
    shown = asked.query("alerts")
    assert shown.code == 0, shown.err
    assert shown.out.index("Broken") < shown.out.index("Noisy")
    assert "silenced by ann" in shown.out
    assert "known" in asked.query("alerts", "--silences").out
    [alert] = asked.query("alerts", "--severity", "critical", "--name", "Brok*", "--json").json["alerts"]
    assert (alert["cluster"], alert["name"], alert["state"]) == (asked.clusters.clusters[name], "Broken", "active")
    rules = asked.query("alerts", "--rules", "--json").json["rules"]
    assert {rule["cluster"] for rule in rules} == set(asked.clusters.names)
    assert {rule["health"] for rule in rules} == {"ok"}


def test_lines_are_followed_until_somebody_has_seen_enough(asked: Asked) -> None:
    (first, named), (second, other) = asked.clusters.clusters.items()
    words = [str(COMMAND), "query", "logs", '{app="followed"}', "--follow", "--last", "1m"]
    clusters = ["--cluster", named, "--cluster", other]
    with subprocess.Popen([*words, *clusters, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as following:
        assert following.stdout is not None
        try:
            for name in (first, second):
                push(asked.clusters.fleet, name, {"app": "followed"}, [(time.time_ns(), f"of {name}")])
            lines = [json.loads(following.stdout.readline()) for _ in range(2)]
            said = {line["cluster"]: line["line"] for line in lines}
            assert said == {named: f"of {first}", other: f"of {second}"}
            following.send_signal(signal.SIGINT)
            assert following.wait(60) == 0
        finally:
            following.kill()


def test_a_cluster_of_which_no_tenant_can_be_followed_ends_it(asked: Asked) -> None:
    fleet, (name, named) = asked.clusters.fleet, next(iter(asked.clusters.clusters.items()))
    at = f"{fleet.url}/{name}/loki"
    fleet.set_broken(name, BrokenMode.UNAUTHORIZED)
    try:
        asked.installation.fleetscope("cluster", "update", named, "--loki", f"{at}/api/logs/v1")
        ended = asked.query("logs", "--follow", clusters=[named])
    finally:
        fleet.set_broken(name, None)
        asked.installation.fleetscope("cluster", "update", named, "--loki", at)
    assert ended.code == 3, ended
    [line] = ended.err.splitlines()
    assert re.fullmatch(rf"unknown {named}: (tenant \w+: .*\(401\).*; ){{2}}tenant audit: .*", line), line
