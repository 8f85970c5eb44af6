"""The command line: JSON that scripts rely on, exit codes, and mistakes that are explained without a traceback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pypdf import PdfReader

from fleet.errors import CredentialMissing
from fleet.frames.coverage import CoverageStatus
from fleet.frames.pack_file import DEFAULT_PACK_PATH, default_pack
from fleet.frames.window import Window
from interfaces.cli.result import ScanResult
from interfaces.cli.runs import Run
from interfaces.cli.scan import exit_code
from simulator.options import FaultKind
from tests.e2e.fleets import ANCHOR, EVERY_KIND, Registered, register, simulated, write_pack
from tests.e2e.installation import Installation, Outcome, eventually
from tests.fleet.collectors.kubernetes.simulated import patch

COMMAND = Path(sys.executable).with_name("fleetscope")
QUERIES = (
    "node_cpu_util",
    "fs_used_ratio",
    "container_mem_bytes",
    "container_mem_vs_limit",
    "container_restarts",
    "container_oom_kills",
)


@dataclass(frozen=True)
class Town:
    """Two registered clusters, one of them with a leak, and a scan of both."""

    installation: Installation
    clusters: Registered
    troubled: str
    quiet: str
    pack: Path
    scanned: Outcome

    def scan(self, *arguments: object) -> Outcome:
        window = ("--until", ANCHOR.isoformat(), "--last", "6h", "--pack", self.pack)
        return self.installation.fleetscope("scan", *window, *arguments)


@pytest.fixture(scope="module")
def town(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    directory = tmp_path_factory.mktemp("town")
    pack = write_pack(directory / "pack.yaml", QUERIES)
    with simulated(directory, clusters=2, nodes=3, workloads=9, faults=(FaultKind.MEMORY_LEAK,)) as fleet:
        clusters = register(installation, fleet, "town", kinds=EVERY_KIND)
        troubled = clusters.clusters[fleet.truth["faults"][0]["cluster"]]
        quiet = next(name for name in clusters.names if name != troubled)
        window = ("--until", ANCHOR.isoformat(), "--last", "6h", "--pack", pack)
        scanned = installation.fleetscope("scan", *window, *clusters.options(), "--json")
        yield Town(installation, clusters, troubled, quiet, pack, scanned)


# --- scan ---------------------------------------------------------------------------------------------------------


def test_scan_json_is_what_scripts_rely_on(town: Town) -> None:
    assert town.scanned.code == 0, town.scanned.err
    result = town.scanned.json
    assert {"scan_id", "coverage", "incidents", "findings"} <= set(result)
    assert isinstance(result["findings"], int) and result["findings"] > 0
    assert {row["cluster"]: row["status"] for row in result["coverage"]} == dict.fromkeys(town.clusters.names, "ok")
    assert {row["model_version"] for row in result["coverage"]} == {1}
    assert result["incidents"]
    for incident in result["incidents"]:
        assert {"id", "cluster", "subject", "severity", "started_at", "causes"} <= set(incident)
        assert incident["cluster"] == town.troubled
        assert incident["severity"] in {"info", "warning", "critical"}
        assert datetime.fromisoformat(incident["started_at"]).tzinfo is not None
    causes = [cause for incident in result["incidents"] for cause in incident["causes"]]
    fault = town.clusters.fleet.truth["faults"][0]
    assert any(cause["kind"] == fault["kind"] and fault["subject"]["name"] in cause["subject"] for cause in causes)
    assert "collect" in town.scanned.err


def test_each_new_incident_is_told_of_once(town: Town) -> None:
    town.scan(*town.clusters.options(), "--json")
    wanted = {"event": {"name": ["fleet.incident.opened"]}, "resource": {"labels": {"fleet.cluster": [town.troubled]}}}
    told_of = (incident for incident in town.scanned.json["incidents"] if incident["phase"] != "resolved")
    opened = sorted(incident["id"] for incident in told_of)
    assert opened

    def told() -> list[str]:
        events = api.call("POST", "/events/filter", {"filter": wanted, "limit": 50})["events"]
        return sorted(event["payload"]["incident_id"] for event in events)

    with town.installation.prefect() as api:
        # The server writes events in batches.
        eventually(lambda: len(told()) >= len(opened))
        assert told() == opened


def test_tables_for_people_and_exit_codes(town: Town) -> None:
    shown = town.scan(*town.clusters.options(), "--fail-on", "info")
    assert shown.code == 1
    assert town.troubled in shown.out
    assert "memory leak" in shown.out.lower()
    quiet = town.scan("--cluster", town.quiet, "--fail-on", "info")
    assert quiet.code == 0
    assert "No incidents" in quiet.out


@pytest.mark.parametrize(
    ("worst", "fail_on", "is_bad"),
    [
        (None, "info", False),
        ("critical", None, False),
        ("info", "info", True),
        ("info", "warning", False),
        ("warning", "warning", True),
        ("warning", "critical", False),
        ("critical", "warning", True),
    ],
)
@pytest.mark.parametrize(
    ("state", "allow_gaps", "otherwise"),
    [("Completed", False, 0), ("CompletedWithGaps", False, 4), ("CompletedWithGaps", True, 0), ("Failed", True, 3)],
)
def test_findings_go_before_gaps(
    worst: str | None, fail_on: str | None, is_bad: bool, state: str, allow_gaps: bool, otherwise: int
) -> None:
    window = Window(start=datetime(2026, 3, 1, tzinfo=UTC), end=datetime(2026, 3, 2, tzinfo=UTC))
    # No incident: a finding counts also where nothing could be made of it.
    result = ScanResult(
        scan_id="s",
        state="completed",
        window=window,
        sensitivity="MEDIUM",
        coverage=[],
        incidents=[],
        findings=1,
        findings_apart=0,
        worst=worst,
    )
    run = Run("", state, "", completed=state != "Failed")
    expected = 1 if is_bad and run.completed else otherwise
    assert exit_code(run, result, fail_on, allow_gaps=allow_gaps) == expected


def test_selector_chooses_clusters(town: Town) -> None:
    result = town.scan("--selector", f"name={town.quiet}", "--json")
    assert result.code == 0
    assert [row["cluster"] for row in result.json["coverage"]] == [town.quiet]


# --- reports ------------------------------------------------------------------------------------------------------


def test_reports_in_three_formats(town: Town, tmp_path: Path) -> None:
    installation, scan_id = town.installation, town.scanned.json["scan_id"]
    created = installation.fleetscope("report", "create", "--scan", scan_id, "--json")
    assert created.code == 0, created.err
    report = created.json
    # Made again of the same results it is the same report.
    assert installation.fleetscope("report", "create", "--scan", scan_id, "--json").json["id"] == report["id"]
    report = installation.fleetscope("report", "list", "--limit", "1", "--json").json[0]
    assert [each.id for each in installation.stores.reports.list(scan_id=scan_id)] == [report["id"]]
    listed = installation.fleetscope("report", "list", "--limit", "1000", "--json")
    assert listed.code == 0
    assert [each for each in listed.json if each["id"] == report["id"]] == [report]
    assert report["kind"] == "fleet"
    assert sorted(report["formats"]) == ["html", "md", "pdf"]
    assert datetime.fromisoformat(report["created_at"]).tzinfo is not None

    files = {form: tmp_path / f"report.{form}" for form in report["formats"]}
    for form, file in files.items():
        got = installation.fleetscope("report", "get", report["id"], "--format", form, "--output", file)
        assert got.code == 0, got.err
    texts = {form: file.read_text() for form, file in files.items() if form != "pdf"}
    texts["pdf"] = " ".join(page.extract_text() for page in PdfReader(files["pdf"]).pages)
    fault = town.clusters.fleet.truth["faults"][0]
    for form, text in texts.items():
        for said in (town.troubled, town.quiet, fault["subject"]["name"]):
            assert said in text, (form, said)
        assert "memory leak" in " ".join(text.lower().split()), form
    # Opens offline: nothing is loaded from anywhere.
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", texts["html"])
    assert "@import" not in texts["html"]


def test_reports_on_one_cluster_and_one_incident(town: Town, tmp_path: Path) -> None:
    incident = town.scanned.json["incidents"][0]
    scan = ("--scan", town.scanned.json["scan_id"])
    for kind, choice in (("cluster", ("--cluster", town.troubled)), ("incident", ("--incident", incident["id"]))):
        created = town.installation.fleetscope("report", "create", "--kind", kind, *scan, *choice, "--json")
        assert created.code == 0, created.err
        assert created.json["kind"] == kind
        file = tmp_path / f"{kind}.md"
        got = town.installation.fleetscope("report", "get", created.json["id"], "--format", "md", "-o", file)
        assert got.code == 0
        assert town.troubled in file.read_text()
        assert town.quiet not in file.read_text()
    # The one that was asked for, though another was made later.
    again = town.installation.fleetscope(
        "report", "create", "--kind", "cluster", *scan, "--cluster", town.troubled, "--json"
    )
    assert again.json["kind"] == "cluster"


def test_damaged_report_is_refused_with_words(town: Town, tmp_path: Path) -> None:
    create = ("report", "create", "--kind", "cluster", "--cluster", town.quiet, "--json")
    report_id = town.installation.fleetscope(*create).json["id"]
    stores = town.installation.stores
    for stored in stores.reports.get(report_id).formats.values():
        stores.objects.put(stored.object_key, b"something else", "text/plain")
    got = town.installation.fleetscope("report", "get", report_id, "--output", tmp_path / "report.pdf")
    assert got.code == 3
    assert "is not what was stored" in got.err
    assert not (tmp_path / "report.pdf").exists()


# --- investigate and discover -------------------------------------------------------------------------------------


def test_investigation_of_a_place_and_a_time(town: Town) -> None:
    fault = town.clusters.fleet.truth["faults"][0]
    place = ("--namespace", fault["subject"]["namespace"], "--workload", fault["subject"]["name"])
    asked = town.installation.fleetscope(
        "investigate", "--cluster", town.troubled, *place, "--at", ANCHOR.isoformat(), "--last", 16, "--json"
    )
    assert asked.code == 0, asked.err
    answer = asked.json
    assert answer["verdict"] == "probable-cause"
    assert fault["kind"] in [cause["kind"] for cause in answer["causes"][:2]]
    known = {each["id"] for each in answer["evidence"]}
    assert answer["narrative"]
    assert all(set(sentence["evidence"]) <= known for sentence in answer["narrative"])
    fetched = town.installation.fleetscope("investigate", "get", answer["id"], "--json")
    assert fetched.json == answer
    listed = town.installation.fleetscope("investigate", "list", "--limit", "1000", "--json").json
    assert answer["id"] in {each["id"] for each in listed}
    shown = town.installation.fleetscope("investigate", "get", answer["id"])
    assert shown.code == 0
    assert answer["causes"][0]["title"].split()[0] in shown.out


def test_discovery_shows_what_a_cluster_is(town: Town) -> None:
    found = town.installation.fleetscope("discover", "--cluster", town.quiet, "--json")
    assert found.code == 0, found.err
    inventory = found.json["inventories"][town.quiet]
    assert inventory["version"]
    assert len(inventory["nodes"]) == 3
    assert inventory["pods"]
    looked = datetime.fromisoformat(inventory["observed_at"])
    rows = town.installation.stores.coverage.list(
        Window.before(looked, timedelta(minutes=1)), cluster_ids=[inventory["cluster_id"]], collector="kubernetes"
    )
    assert {(each.signal, each.status) for each in rows} == {("events", CoverageStatus.OK)}
    # The scan looked before, and nothing has changed since.
    assert found.json["changed"][town.quiet]["changes"] == []
    simulated_name = next(name for name, registered in town.clusters.clusters.items() if registered == town.quiet)
    worker = inventory["nodes"][-1]["name"]
    patch(
        town.clusters.fleet,
        simulated_name,
        f"/api/v1/nodes/{worker}",
        {"metadata": {"labels": {"example.com/rack": "7"}}},
    )
    again = " ".join(town.installation.fleetscope("discover", "--cluster", town.quiet).out.split())
    assert "3 nodes" in again
    assert "GPUs absent (no node has any)" in again
    assert f"changed since {inventory['observed_at'][:10]}" in again
    assert f"Node {worker} was relabelled: +example.com/rack=7" in again
    history = town.installation.fleetscope("cluster", "history", town.quiet, "--last", "1d", "--json").json
    assert inventory["observed_at"] in history["looks"][1:]
    [relabelled] = [change for change in history["changes"] if change["kind"] == "node-labels"]
    assert (relabelled["not_before"], relabelled["after"]) == (inventory["observed_at"], "example.com/rack=7")


# --- the registry -------------------------------------------------------------------------------------------------


def test_cluster_registered_shown_and_removed(installation: Installation, tmp_path: Path) -> None:
    run, token = installation.fleetscope, tmp_path / "token"
    token.write_text("a-very-secret-token\n")
    options = (
        "--prometheus",
        "https://prom.example",
        "--kubernetes",
        "https://api.example:6443",
        "--token-file",
        token,
    )
    labels = ("--environment", "lab", "--region", "north", "--label", "tier=edge")
    added = run("cluster", "add", "edge-1", *options, *labels, "--json")
    assert added.code == 0, added.err
    [cluster] = added.json
    assert (cluster["name"], cluster["environment"], cluster["labels"]) == ("edge-1", "lab", {"tier": "edge"})

    again = run("cluster", "add", "edge-1", *options, *labels, "--json")
    assert again.json == added.json
    assert installation.stores.credentials.version(cluster["credential_ref"]).number == 1
    assert run("cluster", "list", "--selector", "tier=edge", "--json").json == added.json
    assert run("cluster", "list", "--selector", "tier=core", "--json").json == []
    shown = run("cluster", "show", "edge-1", "--json")
    assert shown.json["cluster"] == cluster
    assert shown.json["inventory"] is None
    for outcome in (added, again, shown, run("cluster", "show", "edge-1"), run("cluster", "list")):
        assert outcome.code == 0
        assert "a-very-secret-token" not in outcome.out + outcome.err
    reference = cluster["credential_ref"]
    kept = installation.stores.credentials.get(reference, refresh=True)
    assert kept.for_endpoint("prometheus").token.get_secret_value() == "a-very-secret-token"

    assert run("cluster", "remove", "edge-1").code == 0
    assert "edge-1" not in {each["name"] for each in run("cluster", "list", "--json").json}
    with pytest.raises(CredentialMissing):
        installation.stores.credentials.get(reference, refresh=True)
    for command in ("show", "remove"):
        missing = run("cluster", command, "edge-1")
        assert missing.code == 2
        assert "no cluster named 'edge-1'" in missing.err


# --- mistakes -----------------------------------------------------------------------------------------------------

NOTHING = "00000000-0000-0000-0000-000000000000"
MISTAKES: dict[str, tuple[list[str], str]] = {
    "unknown cluster": (["scan", "--cluster", "nowhere"], "no cluster named 'nowhere'"),
    "nothing matches": (["scan", "--selector", "tier=moon"], "No cluster matches tier=moon"),
    "no selector": (["scan", "--selector", "prod"], "not of the form key=value"),
    "bad duration": (["scan", "--last", "5 minutes"], "is not a duration such as"),
    "part of an hour": (["scan", "--last", "90m"], "whole number of hours"),
    "too long": (["scan", "--last", "60d"], "from 1h to 168h"),
    "bad time": (["scan", "--until", "yesterday"], "is not a time such as"),
    "bad sensitivity": (["scan", "--sensitivity", "SOME"], "SOME"),
    "bad severity": (["scan", "--fail-on", "bad"], "bad"),
    "no such pack": (["scan", "--pack", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
    "no URL": (["scan", "--prometheus", "prom.example:9090"], "must be an http:// or https:// URL"),
    "password in URL": (["scan", "--prometheus", "http://me:secret@prom.example"], "must not carry a user"),
    "no token file": (["scan", "--prometheus", "http://p.example", "--token-file", "nowhere"], "cannot be read"),
    "discover nobody": (["discover", "--cluster", "nowhere"], "no cluster named 'nowhere'"),
    "investigate what": (["investigate"], "name the cluster"),
    "workload of what": (["investigate", "--cluster", "a", "--workload", "b"], "needs --namespace"),
    "investigate nobody": (["investigate", "--cluster", "nowhere"], "no cluster named 'nowhere'"),
    "bad place": (["investigate", "--cluster", "a", "--namespace", "../x"], "namespace"),
    "no investigation": (["investigate", "get", NOTHING], "no investigation"),
    "no report": (["report", "get", NOTHING, "--output", "x.pdf"], "no report"),
    "no scan": (["report", "create", "--scan", NOTHING], "no scan"),
    "no incident": (["report", "create", "--kind", "incident", "--incident", NOTHING], "no incident"),
    "incident of what": (["report", "create", "--kind", "incident"], "incident"),
    "no address": (["report", "create", "--to", "nobody"], "recipients.0"),
    "bad format": (["report", "get", NOTHING, "--format", "docx", "--output", "x"], "docx"),
    "bad name": (["cluster", "add", "Edge One", "--prometheus", "http://p.example"], "name"),
    "no endpoint": (["cluster", "add", "edge-9"], "at least one endpoint"),
    "unknown option": (["scan", "--frequency", "1"], "--frequency"),
    "unknown command": (["fly"], "fly"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_explained(mistake: str, town: Town, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, said = MISTAKES[mistake]
    outcome = town.installation.fleetscope(*arguments)
    assert outcome.code == 2, outcome
    assert said in " ".join(outcome.err.split()), outcome.err
    assert "Traceback" not in outcome.err
    assert "secret" not in outcome.err
    assert outcome.out == ""


REGISTRATIONS = {
    "no YAML": ("clusters: [", "is not YAML"),
    "no list": ("cluster: a\n", "expected a list under `clusters:`"),
    "no mapping": ("- a\n- b\n", "expected a list under `clusters:`"),
    "entry without endpoints": ("clusters:\n- name: a\n", "clusters[0]: endpoints: Field required"),
    "unknown field": (
        "clusters:\n- {name: a, endpoints: {prometheus: {url: http://p.example}}, token: abc}\n",
        "clusters[0]: token: Extra inputs are not permitted",
    ),
    "bad URL in the second": (
        "clusters:\n- {name: a, endpoints: {prometheus: {url: http://p.example}}}\n"
        "- {name: b, endpoints: {prometheus: {url: p.example}}}\n",
        "clusters[1]: endpoints.prometheus.url: Value error, must be an http:// or https:// URL",
    ),
    "bad name": ("clusters:\n- {name: A_B, endpoints: {prometheus: {url: http://p.example}}}\n", "clusters[0]: name"),
    "missing token file": (
        "clusters:\n- {name: a, endpoints: {prometheus: {url: http://p.example}}, credential: {token_file: /none}}\n",
        "/none cannot be read",
    ),
}


@pytest.mark.parametrize("mistake", REGISTRATIONS)
def test_wrong_registration_names_file_entry_and_field(
    mistake: str, installation: Installation, tmp_path: Path
) -> None:
    text, said = REGISTRATIONS[mistake]
    file = tmp_path / "fleet.yaml"
    file.write_text(text)
    before = installation.fleetscope("cluster", "list", "--json").json
    outcome = installation.fleetscope("cluster", "add", "--file", file)
    assert outcome.code == 2, outcome
    told = " ".join(outcome.err.split())
    assert said in told, told
    assert "Traceback" not in told
    # A file is taken whole or not at all.
    assert installation.fleetscope("cluster", "list", "--json").json == before


PACKS: dict[str, tuple[Callable[[str], str], str, str]] = {
    "unknown kind": (lambda text: text.replace("kind: ratio", "kind: percent", 1), "kind: percent", "kind"),
    "field that is not there": (
        lambda text: text.replace("  direction: up\n", "  direction: up\n  colour: red\n", 1),
        "colour: red",
        "colour",
    ),
    "filtered series": (lambda text: text.replace("promql: ", "promql: 0 < ", 1), "promql: ", "promql"),
}


@pytest.mark.parametrize("mistake", PACKS)
def test_wrong_pack_names_file_line_and_field(mistake: str, town: Town, tmp_path: Path) -> None:
    spoil, line_of, field = PACKS[mistake]
    text = spoil(town.pack.read_text())
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    line = next(number for number, line in enumerate(text.splitlines(), start=1) if line_of in line)
    outcome = town.installation.fleetscope("scan", "--cluster", town.quiet, "--pack", file)
    assert outcome.code == 2, outcome
    told = "".join(outcome.err.split())
    assert f"wrong.yaml:{line}:queries[0].{field}" in told, outcome.err
    assert "Traceback" not in outcome.err


# --- packs --------------------------------------------------------------------------------------------------------


def test_a_pack_is_tried_on_clusters_whose_releases_differ(town: Town) -> None:
    tried = town.installation.fleetscope("pack", "test", *town.clusters.options(), "--json")
    assert tried.code == 0, tried.err
    found = {}
    for cluster in tried.json["clusters"]:
        assert (cluster["status"], cluster["reason"]) == ("ok", "")
        found[cluster["cluster"]] = {query["query_id"]: query for query in cluster["queries"]}
    newer, older = (found[name] for name in town.clusters.names)
    assert {query["status"] for queries in found.values() for query in queries.values()} == {"ok", "absent"}
    assert (newer["dns_forward_avg"]["form"], older["dns_forward_avg"]["form"]) == (1, 2)
    assert "coredns_forward" in older["dns_forward_avg"]["promql"]
    assert older["operator_up"]["reason"] == "the server has no metric cluster_operator_up"
    assert 0 < newer["node_cpu_util"]["value"] < 1
    assert newer["node_cpu_util"]["seconds"] > 0


def test_a_pack_is_tried_on_any_server(town: Town, tmp_path: Path) -> None:
    fleet = town.clusters.fleet
    name = fleet.names[0]
    options = ("--token-file", fleet.directory / f"{name}.token", "--ca-file", fleet.directory / "ca.pem")
    address = f"{fleet.url}/{name}/prometheus"
    shown = town.installation.fleetscope("pack", "test", "--prometheus", address, *options, "--pack", town.pack)
    assert shown.code == 0, shown.err
    assert "fs_used_ratio" in shown.out
    assert f"{len(QUERIES)} ok" in shown.out
    # The simulator knows the default pack alone: any other query it refuses, as a server would that is too old.
    strange = tmp_path / "strange.yaml"
    strange.write_text(town.pack.read_text().replace("node_cpu_seconds_total{mode=", "node_cpu_seconds_total{kind="))
    partly = town.installation.fleetscope("pack", "test", "--prometheus", address, *options, "--pack", strange)
    assert partly.code == 4
    assert "parse error" in partly.out
    nobody = town.installation.fleetscope("pack", "test", "--prometheus", "http://127.0.0.1:9", "--pack", town.pack)
    assert nobody.code == 3
    assert "refused" in nobody.out
    assert town.installation.fleetscope("pack", "test").code == 2


def test_packs_are_checked_and_explained(town: Town, tmp_path: Path) -> None:
    fleetscope = town.installation.fleetscope
    good = fleetscope("pack", "lint", town.pack, DEFAULT_PACK_PATH)
    assert good.code == 0
    assert good.out.count("ok ") == 2
    assert "warning" not in good.out
    file = tmp_path / "wrong.yaml"
    text = town.pack.read_text().replace("direction: up", "direction: sideways", 2)
    file.write_text(text.replace("- node_cpu_seconds_total", "- node_cpu_second_total", 1))
    wrong = fleetscope("pack", "lint", file)
    assert wrong.code == 2
    assert wrong.out.count("direction: Input should be") == 2
    everything = fleetscope("pack", "explain")
    assert all(query.id in everything.out for query in default_pack().queries)
    one = fleetscope("pack", "explain", "stored_objects")
    assert "apiserver_storage_objects" in one.out
    as_json = fleetscope("pack", "explain", "--group", "service-levels", "--json").json
    assert {query["group"] for query in as_json["queries"]} == {"service-levels"}
    assert fleetscope("pack", "explain", "no_such_query").code == 2
    assert fleetscope("pack", "explain", "--group", "nothing").code == 2


# --- the command itself, as a process -----------------------------------------------------------------------------


def process(installation: Installation, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return subprocess.run(
        [COMMAND, *map(str, arguments)],
        env=environment | installation.settings.environment(),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_any_prometheus_can_be_scanned_without_registration(town: Town, tmp_path: Path) -> None:
    fleet = town.clusters.fleet
    name = fleet.truth["faults"][0]["cluster"]
    ran = process(
        town.installation,
        "scan",
        *("--prometheus", f"{fleet.url}/{name}/prometheus", "--token-file", fleet.directory / f"{name}.token"),
        *("--ca-file", fleet.directory / "ca.pem", "--pack", town.pack, "--until", ANCHOR.isoformat()),
        *("--last", "6h", "--sensitivity", "HIGH", "--fail-on", "info", "--json"),
        cwd=tmp_path,
    )
    assert ran.returncode == 1, ran.stderr
    result = json.loads(ran.stdout)
    assert [row["status"] for row in result["coverage"]] == ["ok"]
    assert result["incidents"]
    assert sorted(file.suffix for file in (tmp_path / "fleetscope-report").iterdir()) == [".html", ".pdf"]
    assert "Traceback" not in ran.stderr
    assert fleet.token(name) not in ran.stdout + ran.stderr
    # It was scanned once; it is not part of the fleet, and its secret is not kept.
    stores = town.installation.stores
    [cluster] = [stores.clusters.by_name(row["cluster"]) for row in result["coverage"]]
    assert cluster.name not in {each.name for each in stores.clusters.list()}
    with pytest.raises(CredentialMissing):
        stores.credentials.get(cluster.credential_ref, refresh=True)


def test_mistake_in_a_process_of_its_own(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(town.pack.read_text().replace("direction: up", "direction: sideways", 1))
    ran = process(town.installation, "scan", "--cluster", town.quiet, "--pack", file, cwd=tmp_path)
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert "direction" in ran.stderr
    assert "Traceback" not in ran.stderr
